#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

// The bytes of D/audit/journal (docs/formats/audit_log.md): entries that are durable and not yet
// under a signed checkpoint. Its MACs need the writer's key; a verifier reads the form alone.
namespace casemate::audit {

inline constexpr std::string_view kJournalMagic = "casemate/journal@v1\n";
inline constexpr std::size_t kJournalHeaderSize = 20 + 8 + 32;  // magic, first index, MAC
inline constexpr std::size_t kFrameHeaderSize = 4 + 4 + 8 + 4 + 16;
inline constexpr std::size_t kFrameMacSize = 32;
inline constexpr std::size_t kMaxJournalBytes = std::size_t{256} * 1024 * 1024;

// One batch of entries that one fdatasync(2) made durable.
struct FrameHeader {
  std::uint32_t body_bytes = 0;
  std::uint64_t first_index = 0;
  std::uint32_t count = 0;
  ByteView tag;  // 16 bytes
};

// Nothing: shorter than a header, or without its magic.
std::optional<FrameHeader> ReadFrameHeader(ByteView bytes);
Bytes FormatFrameHeader(const FrameHeader& header);  // with its tag

// The entries by form alone, up to the first byte that does not fit. Errors: kIntegrityFailure: the
// file's header.
struct JournalEntries {
  std::uint64_t first_index = 0;
  std::vector<ByteView> entries;  // views into what was read
  std::size_t read_bytes = 0;     // less than the file: a torn end
};
[[nodiscard]] Result<JournalEntries> ReadJournalByForm(ByteView file);

}  // namespace casemate::audit
