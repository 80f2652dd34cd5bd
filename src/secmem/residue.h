#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "secmem/plaintext.h"

// Looks from outside, through /proc/PID/mem, for what a request left in a process. Linked into the
// `casemate` command alone: no process of a deployment can read another's memory.
namespace casemate::residue {

// A canary is 16 to 64 characters of a-z and 0-9, made for the search: nobody's secret, and no two
// of its encodings are alike.
inline constexpr std::size_t kMinCanary = 16;
inline constexpr std::size_t kMaxCanary = 64;

// One form in which the whole canary may stand in memory.
struct Needle {
  std::string encoding;  // "utf-8", "base64+1", "token-ids"
  Bytes bytes;
};

// UTF-8; UTF-16 and UTF-32 of either order; base64 (RFC 4648 sections 4 and 5) in the three
// alignments, without the characters that depend on neighbours; hexadecimal, JSON's \u00xx and
// percent-encoding, each with either case of digits; and, when `tokens` is not empty, these ids as
// int32 and as int64, native order. Errors: kInvalidArgument: `canary` is none; fewer than 4 ids.
[[nodiscard]] Result<std::vector<Needle>> EncodeCanary(PlaintextView canary,
                                                       std::span<const std::int32_t> tokens);

enum class Place : std::uint8_t {
  kHeap,       // of the C library's first arena
  kStack,      // of the first thread, and of those whose stack pointer the kernel tells
  kAnonymous,  // other private memory: further arenas, large blocks, stacks of threads
  kFile,       // mapped files, programs and libraries with their static data
  kMemfd,      // memory files, mapped or only held open
};
std::string_view PlaceName(Place place);

struct Finding {
  std::string encoding;
  Place place = Place::kAnonymous;
  std::uint64_t copies = 0;
  std::vector<std::uint64_t> addresses;  // the first 8
};

struct ProcessResidue {
  pid_t pid = 0;
  std::string name;                 // of the executable
  std::uint64_t scanned_bytes = 0;  // present in memory or swapped out
  std::uint64_t secret_bytes = 0;   // memfd_secret(2): no process but its owner can read it
  std::uint64_t unread_bytes = 0;   // gone meanwhile, or not readable (device memory)
  std::vector<Finding> findings;    // by encoding and place, those with copies alone
  std::uint64_t copies() const;     // of all findings
};

// Counts the needles in everything that process `pid` maps, and in the memory files it holds open.
// It may run meanwhile. Errors: kNotFound: no such process; kPermissionDenied: needs
// CAP_SYS_PTRACE, since Casemate's processes cannot be dumped.
[[nodiscard]] Result<ProcessResidue> ScanProcess(pid_t pid, std::span<const Needle> needles);

// `pid` and its descendants, in order of id.
std::vector<pid_t> ProcessTree(pid_t pid);

// The positive control: forks a child that holds every needle on its heap and its stack, scans it,
// ends it. What it does not find, no other scan would have found. Errors: as ScanProcess;
// kIntegrityFailure: the search is blind, with the encoding.
[[nodiscard]] Result<ProcessResidue> ScanControl(std::span<const Needle> needles);

}  // namespace casemate::residue
