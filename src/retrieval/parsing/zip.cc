#include "retrieval/parsing/zip.h"

#include <archive.h>
#include <archive_entry.h>

#include <functional>
#include <memory>

namespace casemate::retrieval {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::size_t kRatioFrom = std::size_t{16} << 20;

struct FreeArchive {
  void operator()(archive* reader) const { ::archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, FreeArchive>;

std::unexpected<Error> Broken() {
  return Fail(ErrorCode::kInvalidArgument,
              "broken: its ZIP container cannot be read; save the document again");
}

Result<Reader> OpenZip(PlaintextView bytes) {
  Reader reader(::archive_read_new());
  if (!reader || ::archive_read_support_format_zip_seekable(reader.get()) != ARCHIVE_OK ||
      ::archive_read_open_memory(reader.get(), bytes.RevealBytes().data(), bytes.size()) !=
          ARCHIVE_OK) {
    return Broken();
  }
  return reader;
}

std::string NameOf(archive_entry* entry) {
  const char* name = ::archive_entry_pathname_utf8(entry);
  name = name == nullptr ? ::archive_entry_pathname(entry) : name;
  return name == nullptr ? std::string() : std::string(name);
}

// Calls `visit` for each entry.
Result<void> ForEach(PlaintextView bytes,
                     const std::function<Result<void>(archive*, archive_entry*)>& visit) {
  Result<Reader> reader = OpenZip(bytes);
  if (!reader) {
    return std::unexpected(reader.error());
  }
  for (std::size_t count = 0;; ++count) {
    archive_entry* entry = nullptr;
    const int status = ::archive_read_next_header(reader->get(), &entry);
    if (status == ARCHIVE_EOF) {
      return {};
    }
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
      return Broken();
    }
    if (count == kMaxZipEntries) {
      return Fail(ErrorCode::kTooLarge,
                  "its container has more than " + std::to_string(kMaxZipEntries) + " entries");
    }
    if (Result<void> visited = visit(reader->get(), entry); !visited) {
      return visited;
    }
  }
}

std::unexpected<Error> Bomb(const std::string& over) {
  return Fail(ErrorCode::kTooLarge, "it unpacks to more than " + over + " (a zip bomb?)");
}

// `total`: bytes unpacked so far; counted on.
Result<Plaintext> Unpack(archive* reader, std::size_t packed, std::size_t& total) {
  Plaintext content;
  Plaintext piece = Plaintext::Zeroed(kPiece);
  for (;;) {
    const la_ssize_t got =
        ::archive_read_data(reader, piece.mutable_bytes().data(), piece.mutable_bytes().size());
    if (got == 0) {
      return content;
    }
    if (got < 0) {
      return Broken();
    }
    const auto size = static_cast<std::size_t>(got);
    content.Append(piece.view().Part(0, size));
    total += size;
    if (content.size() > kMaxUnpackedEntry || total > kMaxUnpacked) {
      return Bomb(
          std::to_string((content.size() > kMaxUnpackedEntry ? kMaxUnpackedEntry : kMaxUnpacked) >>
                         20U) +
          " MiB");
    }
    if (total > kRatioFrom && total / kMaxRatio > packed) {
      return Bomb(std::to_string(kMaxRatio) + " times its size");
    }
  }
}

}  // namespace

Result<std::set<std::string>> ListZip(PlaintextView archive) {
  std::set<std::string> names;
  Result<void> listed = ForEach(archive, [&](struct archive*, archive_entry* entry) {
    names.insert(NameOf(entry));
    return Result<void>();
  });
  return listed ? Result<std::set<std::string>>(std::move(names)) : std::unexpected(listed.error());
}

Result<std::map<std::string, Plaintext>> ReadZip(PlaintextView archive,
                                                 const std::set<std::string>& names) {
  std::map<std::string, Plaintext> contents;
  std::size_t total = 0;
  Result<void> read =
      ForEach(archive, [&](struct archive* reader, archive_entry* entry) -> Result<void> {
        std::string name = NameOf(entry);
        if (!names.contains(name) || contents.contains(name)) {
          return {};
        }
        if (::archive_entry_is_encrypted(entry) != 0) {
          return Fail(ErrorCode::kInvalidArgument, "encrypted: remove the password first");
        }
        Result<Plaintext> content = Unpack(reader, archive.size(), total);
        if (!content) {
          return std::unexpected(content.error());
        }
        contents.emplace(std::move(name), std::move(*content));
        return {};
      });
  return read ? Result<std::map<std::string, Plaintext>>(std::move(contents))
              : std::unexpected(read.error());
}

}  // namespace casemate::retrieval
