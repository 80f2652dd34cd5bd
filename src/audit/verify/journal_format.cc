#include "audit/verify/journal_format.h"

#include "audit/verify/tile.h"

namespace casemate::audit {
namespace {

constexpr std::string_view kFrameMagic = "cmjf";

}  // namespace

std::optional<FrameHeader> ReadFrameHeader(ByteView bytes) {
  if (bytes.size() < kFrameHeaderSize || AsText(bytes.first(4)) != kFrameMagic) {
    return std::nullopt;
  }
  return FrameHeader{.body_bytes = GetU32(bytes, 4),
                     .first_index = GetU64(bytes, 8),
                     .count = GetU32(bytes, 16),
                     .tag = bytes.subspan(20, 16)};
}

Bytes FormatFrameHeader(const FrameHeader& header) {
  Bytes out;
  Put(out, AsBytes(kFrameMagic));
  PutU32(out, header.body_bytes);
  PutU64(out, header.first_index);
  PutU32(out, header.count);
  Put(out, header.tag);
  return out;
}

Result<JournalEntries> ReadJournalByForm(ByteView file) {
  if (file.size() < kJournalHeaderSize ||
      AsText(file.first(kJournalMagic.size())) != kJournalMagic) {
    return Fail(ErrorCode::kIntegrityFailure, "journal: expected a journal of version 1");
  }
  JournalEntries out;
  out.first_index = GetU64(file, kJournalMagic.size());
  out.read_bytes = kJournalHeaderSize;
  for (;;) {
    const ByteView rest = file.subspan(out.read_bytes);
    const std::optional<FrameHeader> header = ReadFrameHeader(rest);
    if (!header || header->first_index != out.first_index + out.entries.size() ||
        header->body_bytes > rest.size() - kFrameHeaderSize ||
        rest.size() - kFrameHeaderSize - header->body_bytes < kFrameMacSize) {
      return out;
    }
    const Result<std::vector<ByteView>> entries =
        SplitBundle(rest.subspan(kFrameHeaderSize, header->body_bytes), header->count);
    if (!entries) {
      return out;
    }
    out.entries.insert(out.entries.end(), entries->begin(), entries->end());
    out.read_bytes += kFrameHeaderSize + header->body_bytes + kFrameMacSize;
  }
}

}  // namespace casemate::audit
