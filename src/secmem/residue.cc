#include "secmem/residue.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "base/fd.h"

namespace casemate::residue {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kMaxAddresses = 8;
// Of address space that is reserved, as sanitizers do, nothing but the page table could be read.
constexpr std::uint64_t kMaxMapping = std::uint64_t{1} << 38;

struct Mapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t inode = 0;
  std::string path;
};

std::string ProcPath(pid_t pid, std::string_view name) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(name);
}

std::vector<Mapping> ReadMappings(pid_t pid) {
  std::vector<Mapping> mappings;
  std::ifstream maps(ProcPath(pid, "maps"));
  for (std::string line; std::getline(maps, line);) {
    Mapping mapping;
    char mode[5] = {};
    int path_at = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %4s %*x %*s %lu %n", &mapping.begin, &mapping.end, mode,
                    &mapping.inode, &path_at) != 4) {
      continue;
    }
    mapping.path = line.substr(static_cast<std::size_t>(path_at));
    mappings.push_back(std::move(mapping));
  }
  return mappings;
}

// Stack pointers of the threads that wait in the kernel.
std::vector<std::uint64_t> StackPointers(pid_t pid) {
  std::vector<std::uint64_t> pointers;
  const std::string folder = ProcPath(pid, "task");
  DIR* tasks = ::opendir(folder.c_str());
  if (tasks == nullptr) {
    return pointers;
  }
  while (const dirent* entry = ::readdir(tasks)) {
    std::ifstream file(folder + "/" + entry->d_name + "/syscall");
    std::vector<std::string> words;
    for (std::string word; file >> word;) {
      words.push_back(word);
    }
    if (words.size() >= 3) {  // number, six arguments, stack pointer, program counter
      pointers.push_back(std::strtoull(words[words.size() - 2].c_str(), nullptr, 16));
    }
  }
  ::closedir(tasks);
  return pointers;
}

bool IsMemfd(std::string_view path) {
  return path.starts_with("/memfd:") || path.starts_with("/dev/zero") || path.starts_with("/SYSV");
}
bool IsSecret(std::string_view path) { return path.starts_with("/secretmem"); }
// The kernel's own pages.
bool IsKernels(std::string_view path) {
  return path.starts_with("[v") || path.starts_with("[uprobes");
}

Place PlaceOf(const Mapping& mapping, std::span<const std::uint64_t> stack_pointers) {
  if (mapping.path == "[heap]") {
    return Place::kHeap;
  }
  if (mapping.path.starts_with("[stack") || mapping.path.contains("pthread stack") ||
      std::ranges::any_of(stack_pointers, [&](std::uint64_t pointer) {
        return pointer >= mapping.begin && pointer < mapping.end;
      })) {
    return Place::kStack;
  }
  if (IsMemfd(mapping.path)) {
    return Place::kMemfd;
  }
  return mapping.path.empty() || mapping.path.starts_with("[") ? Place::kAnonymous : Place::kFile;
}

// Counts in what it is given piece by piece; a needle across a border is found once.
class Search {
 public:
  Search(std::span<const Needle> needles, ProcessResidue& out) : needles_(needles), out_(out) {
    for (const Needle& needle : needles) {
      longest_ = std::max(longest_, needle.bytes.size());
    }
  }
  std::size_t overlap() const { return longest_ - 1; }

  // `fresh`: how much of `bytes` begins hits; what follows is the next piece's.
  void Look(ByteView bytes, std::size_t fresh, std::uint64_t address, Place place) {
    for (const Needle& needle : needles_) {
      std::size_t from = 0;
      while (from + needle.bytes.size() <= bytes.size()) {
        const void* hit = ::memmem(bytes.data() + from, bytes.size() - from, needle.bytes.data(),
                                   needle.bytes.size());
        if (hit == nullptr) {
          break;
        }
        const auto at = static_cast<std::size_t>(static_cast<const std::byte*>(hit) - bytes.data());
        if (at >= fresh) {
          break;
        }
        Count(needle, place, address + at);
        from = at + 1;
      }
    }
    out_.scanned_bytes += std::min(fresh, bytes.size());
  }

 private:
  void Count(const Needle& needle, Place place, std::uint64_t address) {
    auto found = std::ranges::find_if(out_.findings, [&](const Finding& finding) {
      return finding.place == place && finding.encoding == needle.encoding;
    });
    if (found == out_.findings.end()) {
      out_.findings.push_back({.encoding = needle.encoding, .place = place});
      found = out_.findings.end() - 1;
    }
    ++found->copies;
    if (found->addresses.size() < kMaxAddresses) {
      found->addresses.push_back(address);
    }
  }

  std::span<const Needle> needles_;
  ProcessResidue& out_;
  std::size_t longest_ = 1;
};

// Runs of pages that are in memory or swapped out: reading others would only make them.
std::vector<std::pair<std::uint64_t, std::uint64_t>> PresentRuns(int pagemap,
                                                                 const Mapping& mapping) {
  constexpr std::uint64_t kPresentOrSwapped = std::uint64_t{3} << 62;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;
  std::vector<std::uint64_t> entries(8192);
  for (std::uint64_t page = mapping.begin / kPage; page < mapping.end / kPage;) {
    const std::size_t want =
        std::min<std::uint64_t>(entries.size(), mapping.end / kPage - page) * sizeof(entries[0]);
    const ssize_t got = ::pread(pagemap, entries.data(), want, static_cast<off_t>(page * 8));
    if (got < 8) {
      runs.emplace_back(page * kPage, mapping.end);  // no table: read it all
      break;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(got) / 8; ++i, ++page) {
      if ((entries[i] & kPresentOrSwapped) == 0) {
        continue;
      }
      if (!runs.empty() && runs.back().second == page * kPage) {
        runs.back().second += kPage;
      } else {
        runs.emplace_back(page * kPage, (page + 1) * kPage);
      }
    }
  }
  return runs;
}

void ScanRange(Search& search, int memory, std::uint64_t begin, std::uint64_t end, Place place,
               std::uint64_t& unread) {
  Plaintext memory_read = Plaintext::Zeroed(kPiece + search.overlap());  // whoever's it is: wiped
  const std::span<std::byte> buffer = memory_read.mutable_bytes();
  for (std::uint64_t at = begin; at < end;) {
    const std::size_t want = std::min<std::uint64_t>(buffer.size(), end - at);
    const ssize_t got = ::pread(memory, buffer.data(), want, static_cast<off_t>(at));
    if (got <= 0) {
      const std::uint64_t step = std::min<std::uint64_t>(kPage, end - at);
      unread += step;
      at += step;
      continue;
    }
    const auto size = static_cast<std::size_t>(got);
    const std::size_t fresh = std::min<std::size_t>(size, kPiece);
    search.Look(buffer.first(size), fresh, at, place);
    at += fresh;
  }
}

void ScanMapping(Search& search, int memory, int pagemap, const Mapping& mapping, Place place,
                 std::uint64_t& unread) {
  if (mapping.end - mapping.begin > kMaxMapping) {
    unread += mapping.end - mapping.begin;
    return;
  }
  if (place == Place::kMemfd) {  // others may have written what this process has not touched
    ScanRange(search, memory, mapping.begin, mapping.end, place, unread);
    return;
  }
  for (const auto& [begin, end] : PresentRuns(pagemap, mapping)) {
    ScanRange(search, memory, begin, end, place, unread);
  }
}

// Memory files that are open but not mapped, as those of messages on their way.
void ScanHeldMemfds(Search& search, pid_t pid, const std::set<std::uint64_t>& mapped,
                    ProcessResidue& out) {
  const std::string folder = ProcPath(pid, "fd");
  DIR* files = ::opendir(folder.c_str());
  if (files == nullptr) {
    return;
  }
  while (const dirent* entry = ::readdir(files)) {
    const std::string path = folder + "/" + entry->d_name;
    char target[64] = {};
    if (::readlink(path.c_str(), target, sizeof(target) - 1) <= 0 || !IsMemfd(target)) {
      continue;
    }
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (!file.valid() || ::fstat(file.get(), &status) != 0 || mapped.contains(status.st_ino)) {
      continue;
    }
    ScanRange(search, file.get(), 0, static_cast<std::uint64_t>(status.st_size), Place::kMemfd,
              out.unread_bytes);
  }
  ::closedir(files);
}

std::string NameOf(pid_t pid) {
  char path[512] = {};
  if (::readlink(ProcPath(pid, "exe").c_str(), path, sizeof(path) - 1) > 0) {
    const std::string_view text = path;
    return std::string(text.substr(text.rfind('/') + 1));
  }
  std::string name;
  std::ifstream comm(ProcPath(pid, "comm"));
  std::getline(comm, name);
  return name;
}

std::string Spelled(PlaintextView canary, const char* format) {
  std::string out;
  for (const char c : canary.Reveal()) {
    char digits[8] = {};
    (void)std::snprintf(digits, sizeof(digits), format, static_cast<unsigned char>(c));
    out += digits;
  }
  return out;
}

// Each character as one unit of `width` bytes.
Bytes Widened(PlaintextView canary, std::size_t width, bool big_endian) {
  Bytes out;
  for (const char c : canary.Reveal()) {
    const std::size_t begin = out.size();
    out.resize(begin + width);
    out[begin + (big_endian ? width - 1 : 0)] = static_cast<std::byte>(c);
  }
  return out;
}

// The characters of base64 that the canary alone decides, `shift` bytes after a group's start.
std::string Base64Inside(PlaintextView canary, std::size_t shift) {
  Bytes shifted(shift);
  Put(shifted, canary.RevealBytes());
  const std::string all = ToBase64(shifted);
  const std::size_t first = (shift * 8 + 5) / 6;
  const std::size_t last = shifted.size() * 8 / 6;
  return all.substr(first, last - first);
}

void Add(std::vector<Needle>& needles, std::string encoding, ByteView bytes) {
  Bytes copy(bytes.begin(), bytes.end());
  if (std::ranges::none_of(needles, [&](const Needle& other) { return other.bytes == copy; })) {
    needles.push_back({std::move(encoding), std::move(copy)});
  }
}

template <typename Id>
void AddTokens(std::vector<Needle>& needles, const char* encoding,
               std::span<const std::int32_t> tokens) {
  const std::vector<Id> ids(tokens.begin(), tokens.end());
  Add(needles, encoding, std::as_bytes(std::span(ids)));
}

// The control's child: holds, waits, ends with its parent.
[[noreturn]] void Hold(std::span<const Needle> needles, int ready) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  char on_stack[4096] = {};
  std::size_t used = 0;
  for (const Needle& needle : needles) {
    if (used + needle.bytes.size() < sizeof(on_stack)) {
      std::memcpy(on_stack + used, needle.bytes.data(), needle.bytes.size());
      used += needle.bytes.size() + 1;
    }
  }
  asm volatile("" : : "r"(on_stack) : "memory");
  (void)!::write(ready, "r", 1);
  for (;;) {
    ::pause();
  }
}

}  // namespace

Result<std::vector<Needle>> EncodeCanary(PlaintextView canary,
                                         std::span<const std::int32_t> tokens) {
  const std::string_view text = canary.Reveal();
  const bool plain = std::ranges::all_of(
      text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
  if (text.size() < kMinCanary || text.size() > kMaxCanary || !plain) {
    return Fail(ErrorCode::kInvalidArgument,
                "a canary is 16 to 64 characters of a-z and 0-9, this has " +
                    std::to_string(text.size()) + (plain ? "" : ", others among them"));
  }
  if (!tokens.empty() && tokens.size() < 4) {
    return Fail(ErrorCode::kInvalidArgument,
                std::to_string(tokens.size()) + " token ids; fewer than 4 say nothing");
  }
  std::vector<Needle> needles;
  Add(needles, "utf-8", canary.RevealBytes());
  Add(needles, "utf-16le", Widened(canary, 2, false));
  Add(needles, "utf-16be", Widened(canary, 2, true));
  Add(needles, "utf-32le", Widened(canary, 4, false));
  Add(needles, "utf-32be", Widened(canary, 4, true));
  for (std::size_t shift = 0; shift < 3; ++shift) {
    std::string base64 = Base64Inside(canary, shift);
    Add(needles, "base64+" + std::to_string(shift), AsBytes(base64));
    std::ranges::replace(base64, '+', '-');
    std::ranges::replace(base64, '/', '_');
    Add(needles, "base64url+" + std::to_string(shift), AsBytes(base64));
  }
  Add(needles, "hex", AsBytes(Spelled(canary, "%02x")));
  Add(needles, "HEX", AsBytes(Spelled(canary, "%02X")));
  Add(needles, "json", AsBytes(Spelled(canary, "\\u%04x")));
  Add(needles, "JSON", AsBytes(Spelled(canary, "\\u%04X")));
  Add(needles, "percent", AsBytes(Spelled(canary, "%%%02x")));
  Add(needles, "PERCENT", AsBytes(Spelled(canary, "%%%02X")));
  if (!tokens.empty()) {
    AddTokens<std::int32_t>(needles, "token-ids", tokens);
    AddTokens<std::int64_t>(needles, "token-ids-64", tokens);
  }
  return needles;
}

std::string_view PlaceName(Place place) {
  switch (place) {
    case Place::kHeap:
      return "heap";
    case Place::kStack:
      return "stack";
    case Place::kAnonymous:
      return "anonymous";
    case Place::kFile:
      return "file";
    case Place::kMemfd:
      return "memfd";
  }
  return "unknown";
}

std::uint64_t ProcessResidue::copies() const {
  std::uint64_t sum = 0;
  for (const Finding& finding : findings) {
    sum += finding.copies;
  }
  return sum;
}

Result<ProcessResidue> ScanProcess(pid_t pid, std::span<const Needle> needles) {
  const UniqueFd memory(::open(ProcPath(pid, "mem").c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd pagemap(::open(ProcPath(pid, "pagemap").c_str(), O_RDONLY | O_CLOEXEC));
  const int why = errno;
  const std::vector<Mapping> mappings = ReadMappings(pid);
  if (!memory.valid() || !pagemap.valid() || mappings.empty()) {
    if (why == ENOENT || why == ESRCH) {
      return Fail(ErrorCode::kNotFound, "there is no process " + std::to_string(pid));
    }
    return Fail(ErrorCode::kPermissionDenied,
                "the memory of process " + std::to_string(pid) +
                    " may not be read: run this as root (CAP_SYS_PTRACE)");
  }
  ProcessResidue out;
  out.pid = pid;
  out.name = NameOf(pid);
  Search search(needles, out);
  const std::vector<std::uint64_t> stack_pointers = StackPointers(pid);
  std::set<std::uint64_t> mapped;
  for (const Mapping& mapping : mappings) {
    if (IsSecret(mapping.path)) {
      out.secret_bytes += mapping.end - mapping.begin;
    } else if (!IsKernels(mapping.path)) {
      mapped.insert(mapping.inode);
      ScanMapping(search, memory.get(), pagemap.get(), mapping, PlaceOf(mapping, stack_pointers),
                  out.unread_bytes);
    }
  }
  ScanHeldMemfds(search, pid, mapped, out);
  return out;
}

std::vector<pid_t> ProcessTree(pid_t pid) {
  std::vector<pid_t> tree = {pid};
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const std::string folder = ProcPath(tree[i], "task");
    DIR* tasks = ::opendir(folder.c_str());
    if (tasks == nullptr) {
      continue;
    }
    while (const dirent* entry = ::readdir(tasks)) {
      std::ifstream children(folder + "/" + entry->d_name + "/children");
      for (pid_t child = 0; children >> child;) {
        tree.push_back(child);
      }
    }
    ::closedir(tasks);
  }
  std::ranges::sort(tree);
  return tree;
}

Result<ProcessResidue> ScanControl(std::span<const Needle> needles) {
  int ends[2] = {};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return FailErrno("pipe2");
  }
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) {
    return FailErrno("fork");
  }
  if (child == 0) {
    Hold(needles, write_end.get());
  }
  write_end.Reset();
  char byte = 0;
  const bool holds = ::read(read_end.get(), &byte, 1) == 1;
  Result<ProcessResidue> scanned =
      holds ? ScanProcess(child, needles)
            : Result<ProcessResidue>(Fail(ErrorCode::kUnavailable, "the control did not start"));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  if (!scanned) {
    return scanned;
  }
  scanned->name = "(control)";
  for (const Needle& needle : needles) {
    std::uint64_t copies = 0;
    for (const Finding& finding : scanned->findings) {
      copies += finding.encoding == needle.encoding ? finding.copies : 0;
    }
    if (copies < 2) {
      return Fail(ErrorCode::kIntegrityFailure,
                  "the search did not find both of the control's copies in " + needle.encoding +
                      ": its other counts mean nothing");
    }
  }
  return scanned;
}

}  // namespace casemate::residue
