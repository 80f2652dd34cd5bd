#include "audit/write/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "audit/verify/tile.h"
#include "base/file.h"
#include "base/log.h"

namespace casemate::audit {
namespace {

constexpr std::size_t kAllocationStep = 256 * 1024;  // bytes; about 1,000 entries

// What a MAC is about stands first in its input.
enum class MacOf : std::uint8_t { kFile = 0, kFrameHeader = 1, kFrame = 2 };

crypto::Digest Mac(KeyView key, MacOf what, std::initializer_list<ByteView> parts) {
  Bytes input = {static_cast<std::byte>(what)};
  for (const ByteView part : parts) {
    Put(input, part);
  }
  return crypto::HmacSha256(key, input);
}

Bytes FileHeader(KeyView key, std::uint64_t first_index) {
  Bytes header;
  Put(header, AsBytes(kJournalMagic));
  PutU64(header, first_index);
  Put(header, Mac(key, MacOf::kFile, {header}));
  return header;
}

// The tag covers where the frame lies, so that one copied elsewhere is none.
Bytes TagOf(KeyView key, FrameHeader header, std::size_t offset) {
  static constexpr std::array<std::byte, 16> kNoTag{};
  header.tag = kNoTag;
  Bytes bytes = FormatFrameHeader(header);
  PutU64(bytes, offset);
  const crypto::Digest mac = Mac(key, MacOf::kFrameHeader, {bytes});
  return {mac.begin(), mac.begin() + 16};
}

bool HasValidTag(KeyView key, const FrameHeader& header, std::size_t offset) {
  return crypto::EqualConstantTime(header.tag, TagOf(key, header, offset));
}

Bytes Frame(KeyView key, std::uint64_t first_index, std::size_t offset,
            std::span<const Bytes> entries, crypto::Digest& last_mac) {
  Bytes body;
  for (const Bytes& entry : entries) {
    AddToBundle(body, entry);
  }
  FrameHeader header{.body_bytes = static_cast<std::uint32_t>(body.size()),
                     .first_index = first_index,
                     .count = static_cast<std::uint32_t>(entries.size()),
                     .tag = {}};
  const Bytes tag = TagOf(key, header, offset);
  header.tag = tag;
  Bytes frame = FormatFrameHeader(header);
  Put(frame, body);
  last_mac = Mac(key, MacOf::kFrame, {last_mac, frame});
  Put(frame, last_mac);
  return frame;
}

struct Checked {
  std::uint64_t first_index = 0;
  std::vector<Bytes> entries;
  crypto::Digest last_mac{};
  std::size_t good_bytes = 0;
};

// Whether a frame's header that was really written lies anywhere after `from`.
bool HasLaterFrame(ByteView file, std::size_t from, KeyView key) {
  for (std::size_t at = from; at + kFrameHeaderSize <= file.size(); ++at) {
    const std::optional<FrameHeader> header = ReadFrameHeader(file.subspan(at));
    if (header && HasValidTag(key, *header, at)) {
      return true;
    }
  }
  return false;
}

// Reads the frame at `checked.good_bytes`; false when it is not whole or its MAC fails.
bool TakeFrame(ByteView file, KeyView key, Checked& checked) {
  const std::size_t at = checked.good_bytes;
  const ByteView rest = file.subspan(at);
  const std::optional<FrameHeader> header = ReadFrameHeader(rest);
  if (!header || !HasValidTag(key, *header, at) ||
      header->first_index != checked.first_index + checked.entries.size() ||
      rest.size() < kFrameHeaderSize + std::size_t{header->body_bytes} + kFrameMacSize) {
    return false;
  }
  const std::size_t signed_bytes = kFrameHeaderSize + header->body_bytes;
  const crypto::Digest mac = Mac(key, MacOf::kFrame, {checked.last_mac, rest.first(signed_bytes)});
  const Result<std::vector<ByteView>> entries =
      SplitBundle(rest.subspan(kFrameHeaderSize, header->body_bytes), header->count);
  if (!crypto::EqualConstantTime(mac, rest.subspan(signed_bytes, kFrameMacSize)) || !entries) {
    return false;
  }
  for (const ByteView entry : *entries) {
    checked.entries.emplace_back(entry.begin(), entry.end());
  }
  checked.last_mac = mac;
  checked.good_bytes += signed_bytes + kFrameMacSize;
  return true;
}

Result<Checked> CheckFile(ByteView file, KeyView key) {
  const auto refuse = [](const std::string& why) {
    return Fail(ErrorCode::kIntegrityFailure, "journal: " + why);
  };
  if (file.size() < kJournalHeaderSize ||
      AsText(file.first(kJournalMagic.size())) != kJournalMagic) {
    return refuse("expected a journal of version 1");
  }
  Checked checked;
  checked.first_index = GetU64(file, kJournalMagic.size());
  const Bytes header = FileHeader(key, checked.first_index);
  if (!crypto::EqualConstantTime(header, file.first(kJournalHeaderSize))) {
    return refuse("the MAC of the file's header does not verify (another key, or changed)");
  }
  std::ranges::copy(ByteView(header).last(kFrameMacSize), checked.last_mac.begin());
  checked.good_bytes = kJournalHeaderSize;
  while (checked.good_bytes < file.size() && TakeFrame(file, key, checked)) {
  }
  if (checked.good_bytes == file.size()) {
    return checked;
  }
  // A frame is written only after the one before it was synced. So a bad frame with anything valid
  // after it, or with a valid header and more bytes after its end, was whole once and acknowledged.
  const std::size_t at = checked.good_bytes;
  const std::optional<FrameHeader> bad = ReadFrameHeader(file.subspan(at));
  const bool valid = bad && HasValidTag(key, *bad, at);
  const bool more_follows =
      valid && file.size() - at > kFrameHeaderSize + std::size_t{bad->body_bytes} + kFrameMacSize;
  if (more_follows || HasLaterFrame(file, at + 1, key)) {
    return refuse("entry " + std::to_string(checked.first_index + checked.entries.size()) +
                  " (byte " + std::to_string(at) + ") does not verify, and later ones do");
  }
  return checked;
}

}  // namespace

Result<void> Journal::Create(const std::filesystem::path& path, KeyView key,
                             std::uint64_t first_index) {
  return WriteFileAtomically(path, FileHeader(key, first_index));
}

Result<Journal::Opened> Journal::Open(std::filesystem::path path, KeyView key) {
  const Result<Bytes> file = ReadFile(path, kMaxJournalBytes);
  if (!file) {
    return std::unexpected(file.error());
  }
  Result<Checked> checked = CheckFile(*file, key);
  if (!checked) {
    return std::unexpected(checked.error());
  }
  Result<Key> own_key = Key::Copy(key);
  if (!own_key) {
    return std::unexpected(own_key.error());
  }
  std::unique_ptr<Journal> journal(new Journal(std::move(path), std::move(*own_key)));
  journal->fd_.Reset(::open(journal->path_.c_str(), O_WRONLY | O_CLOEXEC));
  const int fd = journal->fd_.get();
  if (checked->good_bytes < file->size()) {
    Log(LogLevel::kWarning, "journal: a last frame that was never acknowledged is cut off",
        {{"bytes", file->size() - checked->good_bytes},
         {"entry", checked->first_index + checked->entries.size()}});
  }
  // Synced even when whole: a kill may have come between a frame's write and its sync.
  if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(checked->good_bytes)) != 0 ||
      ::lseek(fd, 0, SEEK_END) < 0 || ::fdatasync(fd) != 0) {
    return FailErrno("open " + journal->path_.string());
  }
  journal->next_index_ = checked->first_index + checked->entries.size();
  journal->last_mac_ = checked->last_mac;
  journal->end_ = journal->allocated_ = checked->good_bytes;
  return Opened{.journal = std::move(journal),
                .first_index = checked->first_index,
                .entries = std::move(checked->entries)};
}

std::size_t Journal::ReservedFor(std::size_t entry_bytes) const {
  return entry_bytes + 2 + kFrameHeaderSize + kFrameMacSize;  // as if each had its own frame
}

Result<void> Journal::Allocate(int fd, std::size_t from, std::size_t to) {
  if (::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                  static_cast<off_t>(to - from)) == 0 ||
      errno == EOPNOTSUPP || errno == ENOSYS) {
    return {};  // a file system that cannot promise space tells at the write, which is safe too
  }
  return Fail(ErrorCode::kResourceExhausted,
              std::string("journal: no space on disk for another entry: ") + std::strerror(errno));
}

Result<void> Journal::Reserve(std::size_t entry_bytes) {
  const std::lock_guard lock(mutex_);
  const std::size_t wanted = end_ + reserved_ + ReservedFor(entry_bytes);
  if (wanted > kMaxJournalBytes) {
    return Fail(ErrorCode::kResourceExhausted,
                "journal: full; its entries cannot be moved to tiles (see the log's errors)");
  }
  if (wanted > allocated_) {
    const std::size_t to = allocated_ + std::max(kAllocationStep, wanted - allocated_);
    if (Result<void> given = Allocate(fd_.get(), allocated_, to); !given) {
      return given;
    }
    allocated_ = to;
  }
  reserved_ += ReservedFor(entry_bytes);
  return {};
}

Result<void> Journal::Append(std::span<const Bytes> entries) {
  if (broken_) {
    return Fail(ErrorCode::kUnavailable, "journal: its new name could not be made durable");
  }
  const Bytes frame = Frame(key_, next_index_, end_, entries, last_mac_);
  Result<void> written = WriteAll(fd_.get(), frame);
  if (written && ::fdatasync(fd_.get()) != 0) {
    written = FailErrno("sync");
  }
  if (!written) {
    // Best effort: recovery cuts off what is left of the frame.
    [[maybe_unused]] const int ignored = ::ftruncate(fd_.get(), static_cast<off_t>(end_));
    return Wrap(written.error(), "journal");
  }
  next_index_ += entries.size();
  const std::lock_guard lock(mutex_);
  end_ += frame.size();
  for (const Bytes& entry : entries) {
    reserved_ -= std::min(reserved_, ReservedFor(entry.size()));
  }
  return {};
}

Result<void> Journal::Rewrite(std::uint64_t first_index, std::span<const Bytes> entries) {
  Bytes content = FileHeader(key_, first_index);
  crypto::Digest mac{};
  std::ranges::copy(ByteView(content).last(kFrameMacSize), mac.begin());
  std::uint64_t next = first_index;
  while (!entries.empty()) {
    const std::span<const Bytes> some =
        entries.first(std::min(entries.size(), kMaxEntriesPerFrame));
    Put(content, Frame(key_, next, content.size(), some, mac));
    next += some.size();
    entries = entries.subspan(some.size());
  }
  const std::filesystem::path beside = path_.string() + ".new";
  UniqueFd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    return FailErrno("create " + beside.string());
  }
  if (Result<void> written = WriteAll(fd.get(), content); !written) {
    return Wrap(written.error(), beside.string());
  }
  const std::lock_guard lock(mutex_);
  if (reserved_ > 0) {
    if (Result<void> given = Allocate(fd.get(), content.size(), content.size() + reserved_);
        !given) {
      return given;
    }
  }
  if (::fdatasync(fd.get()) != 0 || ::rename(beside.c_str(), path_.c_str()) != 0) {
    return FailErrno("replace " + path_.string());
  }
  fd_ = std::move(fd);
  end_ = content.size();
  allocated_ = end_ + reserved_;
  next_index_ = next;
  last_mac_ = mac;
  // The old file holds the same entries: whichever name survives a crash now, none is lost, as long
  // as nothing is acknowledged in the new one before its name is durable.
  Result<void> synced = SyncFolder(path_.parent_path());
  broken_ = !synced;
  return synced;
}

}  // namespace casemate::audit
