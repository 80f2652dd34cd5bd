// What the tests of LogWriter kill: appends to the log in FOLDER, writes the number of acknowledged
// entries (u64, this machine's order) to descriptor 1 after each.
//   audit_appender FOLDER some COUNT      COUNT entries, then dies by SIGKILL
//   audit_appender FOLDER endless         until it is killed; every fifth entry is relaxed
//   audit_appender FOLDER limited BYTES   until a file of over BYTES is refused (RLIMIT_FSIZE),
//   then
//                                         exits 0 if everything after it is refused too
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>

#include "audit/verify/test_log.h"
#include "audit/write/log_writer.h"

namespace casemate::audit {
namespace {

bool Acknowledge(std::uint64_t end) { return ::write(1, &end, sizeof(end)) == sizeof(end); }

int AppendSome(LogWriter& log, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!log.Append(TestLeaf(i)) || !Acknowledge(i + 1)) {
      return 1;
    }
  }
  return ::raise(SIGKILL);
}

int AppendEndlessly(LogWriter& log) {
  for (std::uint64_t i = log.size();; ++i) {
    const bool relaxed = i % 5 == 4;
    const Result<std::uint64_t> index =
        relaxed ? log.AppendRelaxed(TestLeaf(i)) : log.Append(TestLeaf(i));
    if (!index || *index != i || (i % 97 == 96 && !log.Checkpoint()) ||
        (!relaxed && !Acknowledge(i + 1))) {
      return 1;
    }
  }
}

int AppendUntilFull(LogWriter& log, rlim_t bytes) {
  ::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::uint64_t i = 0;
  for (; log.Append(TestLeaf(i)); ++i) {
    if (!Acknowledge(i + 1)) {
      return 1;
    }
  }
  const bool stopped =
      !log.Append(TestLeaf(i)) && !log.AppendRelaxed(TestLeaf(i)) && !log.Checkpoint();
  return stopped ? 0 : 1;
}

int Run(int argc, char** argv) {
  if (argc < 3) {
    return 2;
  }
  Result<std::unique_ptr<LogWriter>> log = LogWriter::Open({.folder = argv[1],
                                                            .origin = std::string(kTestOrigin),
                                                            .keys = TestKeys(),
                                                            .journal_key = TestKey(3)});
  if (!log) {
    return 3;
  }
  const std::string_view mode = argv[2];
  const std::uint64_t number = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0;
  if (mode == "some") {
    return AppendSome(**log, number);
  }
  return mode == "endless" ? AppendEndlessly(**log) : AppendUntilFull(**log, number);
}

}  // namespace
}  // namespace casemate::audit

int main(int argc, char** argv) { return casemate::audit::Run(argc, argv); }
