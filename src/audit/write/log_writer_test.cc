#include "audit/write/log_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "audit/verify/journal_format.h"
#include "audit/verify/log_reader.h"
#include "audit/verify/test_log.h"

namespace casemate::audit {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Result<std::unique_ptr<LogWriter>> OpenLog(const std::filesystem::path& folder) {
  return LogWriter::Open({.folder = folder,
                          .origin = std::string(kTestOrigin),
                          .keys = TestKeys(),
                          .journal_key = TestKey(3)});
}

Bytes JournalOf(const std::filesystem::path& folder) {
  return ReadFile(folder / "journal", kMaxJournalBytes).value();
}

// audit_appender beside this program: a process of its own, since locked keys do not survive fork.
class Appender {
 public:
  explicit Appender(std::vector<std::string> arguments) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    acknowledged_.Reset(ends[0]);
    const UniqueFd writing(ends[1]);
    const std::string program =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "audit_appender";
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(writing.get(), 1);
      std::vector<char*> argv = {const_cast<char*>(program.c_str())};
      for (std::string& argument : arguments) {
        argv.push_back(argument.data());
      }
      argv.push_back(nullptr);
      ::execv(program.c_str(), argv.data());
      ::_exit(127);
    }
  }
  void Kill() const { ::kill(child_, SIGKILL); }
  // The number of entries acknowledged to the end, at least `before`.
  std::uint64_t Wait(std::uint64_t before = 0) {
    for (std::uint64_t end = 0; ::read(acknowledged_.get(), &end, sizeof(end)) == sizeof(end);) {
      before = end;
    }
    ::waitpid(child_, &status_, 0);
    return before;
  }
  int status() const { return status_; }

 private:
  UniqueFd acknowledged_;
  pid_t child_ = -1;
  int status_ = 0;
};

// A log whose journal still has its entries: nothing was closed in order. Returns how many entries
// were acknowledged.
std::uint64_t AppendAndDie(const std::filesystem::path& folder, std::uint64_t count) {
  Appender appender({folder.string(), "some", std::to_string(count)});
  const std::uint64_t acknowledged = appender.Wait();
  EXPECT_TRUE(WIFSIGNALED(appender.status()));
  return acknowledged;
}

TEST(LogWriterTest, WhatIsAppendedVerifiesAfterClose) {
  const TestFolder folder;
  {
    const std::unique_ptr<LogWriter> log = std::move(OpenLog(folder.path()).value());
    for (std::uint64_t i = 0; i < 300; ++i) {
      EXPECT_EQ(log->Append(TestLeaf(i)).value(), i);
      EXPECT_EQ(log->size(), i + 1);
    }
  }
  const Result<VerifyReport> report = VerifyLog(folder.path(), TestVerifiers());
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->entries, 300U);
  EXPECT_EQ(report->in_journal, 0U);
  EXPECT_EQ(JournalOf(folder.path()).size(), kJournalHeaderSize);
}

TEST(LogWriterTest, ANewLogIsTheEmptyTreeAndVerifies) {
  const TestFolder folder;
  const std::unique_ptr<LogWriter> log = std::move(OpenLog(folder.path()).value());
  EXPECT_EQ(log->size(), 0U);
  EXPECT_EQ(log->checkpoint_size(), 0U);
  EXPECT_EQ(log->primary_key().algorithm(), crypto::SignatureAlgorithm::kEd25519);
  EXPECT_EQ(VerifyLog(folder.path(), TestVerifiers()).value().checkpoint.size, 0U);
}

TEST(LogWriterTest, CheckpointCoversRelaxedEntriesToo) {
  const TestFolder folder;
  const std::unique_ptr<LogWriter> log = std::move(OpenLog(folder.path()).value());
  EXPECT_EQ(log->AppendRelaxed(TestLeaf(0)).value(), 0U);
  EXPECT_EQ(log->Append(TestLeaf(1)).value(), 1U);
  EXPECT_EQ(log->AppendRelaxed(TestLeaf(2)).value(), 2U);
  ASSERT_TRUE(log->Checkpoint().has_value());
  EXPECT_EQ(log->checkpoint_size(), 3U);
  const LogReader reader = LogReader::Open(folder.path(), TestVerifiers()).value();
  std::uint64_t next = 0;
  ASSERT_TRUE(reader
                  .Show(0, 10,
                        [&next](const ShownLeaf& shown) {
                          EXPECT_EQ(shown.leaf.count, next++);
                          return shown.in_checkpoint;
                        })
                  .has_value());
  EXPECT_EQ(next, 3U);
}

TEST(LogWriterTest, ARelaxedEntryBecomesDurableAndSignedByItself) {
  const TestFolder folder;
  const std::unique_ptr<LogWriter> log = std::move(OpenLog(folder.path()).value());
  ASSERT_TRUE(log->AppendRelaxed(TestLeaf(0)).has_value());
  while (log->checkpoint_size() == 0) {  // the test's own time limit ends this if it never comes
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(VerifyLog(folder.path(), TestVerifiers()).value().entries, 1U);
}

TEST(LogWriterTest, ALeafThatNobodyCouldReadIsRefused) {
  const TestFolder folder;
  const std::unique_ptr<LogWriter> log = std::move(OpenLog(folder.path()).value());
  Leaf leaf = TestLeaf(0);
  leaf.rule = 255;
  EXPECT_EQ(log->Append(leaf).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(log->AppendRelaxed(leaf).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(log->Append(TestLeaf(0)).value(), 0U);
}

TEST(LogWriterTest, ThreadsGetIndexesOfTheirOwnInOneLog) {
  constexpr std::uint64_t kThreads = 8;
  constexpr std::uint64_t kEach = 40;
  const TestFolder folder;
  std::mutex mutex;
  std::map<std::uint64_t, std::uint64_t> where;  // index -> number of the leaf
  {
    const std::unique_ptr<LogWriter> log = std::move(OpenLog(folder.path()).value());
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::uint64_t i = 0; i < kEach; ++i) {
          const std::uint64_t number = (t * kEach) + i;
          const Result<std::uint64_t> index =
              i % 3 == 2 ? log->AppendRelaxed(TestLeaf(number)) : log->Append(TestLeaf(number));
          const std::lock_guard lock(mutex);
          where[index.value()] = number;
        }
      });
    }
    threads.clear();
    ASSERT_TRUE(log->Checkpoint().has_value());
  }
  ASSERT_EQ(where.size(), kThreads * kEach);
  EXPECT_EQ(VerifyLog(folder.path(), TestVerifiers()).value().entries, kThreads * kEach);
  const LogReader reader = LogReader::Open(folder.path(), TestVerifiers()).value();
  ASSERT_TRUE(reader
                  .Show(0, UINT64_MAX,
                        [&where](const ShownLeaf& shown) {
                          EXPECT_EQ(shown.leaf.count, where.at(shown.index));
                          return true;
                        })
                  .has_value());
}

TEST(LogWriterTest, GoesOnAfterReopeningAcrossTileBounds) {
  const TestFolder folder;
  std::uint64_t next = 0;
  for (const std::uint64_t until : {1, 255, 256, 257, 511, 513, 600}) {
    const std::unique_ptr<LogWriter> log = std::move(OpenLog(folder.path()).value());
    EXPECT_EQ(log->size(), next);
    for (; next < until; ++next) {
      EXPECT_EQ(log->AppendRelaxed(TestLeaf(next)).value(), next);
    }
  }
  const Result<VerifyReport> report = VerifyLog(folder.path(), TestVerifiers());
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->entries, 600U);
  // The same tree as one written in the plainest way.
  const TestFolder plain;
  WriteTestLog(plain.path(), 600);
  EXPECT_EQ(VerifyLog(plain.path(), TestVerifiers()).value().checkpoint.root,
            report->checkpoint.root);
}

// Whatever a kill interrupts, what was acknowledged is there and the log verifies, before the next
// start and after it.
TEST(LogWriterKillTest, NothingAcknowledgedIsLostAtAnyMoment) {
  const std::vector<VerifierKey> verifiers = TestVerifiers();
  std::mt19937_64 random(20261122);
  const TestFolder folder;
  std::uint64_t acknowledged = 0;
  for (int round = 0; round < 30; ++round) {
    Appender appender({folder.path().string(), "endless"});
    std::this_thread::sleep_for(std::chrono::microseconds(20000 + (random() % 400000)));
    appender.Kill();
    acknowledged = appender.Wait(acknowledged);
    ASSERT_TRUE(WIFSIGNALED(appender.status()))
        << "round " << round << ": an append or open failed";
    if (std::filesystem::exists(folder.path() / "checkpoint")) {
      const Result<VerifyReport> before = VerifyLog(folder.path(), verifiers);
      ASSERT_TRUE(before.has_value()) << "round " << round << ": " << before.error().message;
    }
    const Result<std::unique_ptr<LogWriter>> log = OpenLog(folder.path());
    ASSERT_TRUE(log.has_value()) << "round " << round << ": " << log.error().message;
    ASSERT_GE((*log)->size(), acknowledged) << "round " << round;
    acknowledged = (*log)->size();
  }
  const Result<VerifyReport> report = VerifyLog(folder.path(), verifiers);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->entries, acknowledged);
  EXPECT_GT(report->entries, 30U);
  const LogReader reader = LogReader::Open(folder.path(), verifiers).value();
  ASSERT_TRUE(reader
                  .Show(0, UINT64_MAX,
                        [](const ShownLeaf& shown) {
                          EXPECT_EQ(shown.leaf.count, shown.index);
                          return true;
                        })
                  .has_value());
}

TEST(LogWriterRecoveryTest, ATornLastFrameIsDroppedAtEveryLength) {
  const TestFolder folder;
  ASSERT_EQ(AppendAndDie(folder.path(), 3), 3U);
  const Bytes whole = JournalOf(folder.path());
  const Result<JournalEntries> entries = ReadJournalByForm(whole);
  ASSERT_EQ(entries.value().entries.size(), 3U);
  // Three appends one after the other: three frames of equal size.
  const std::size_t frame = (whole.size() - kJournalHeaderSize) / 3;
  for (std::size_t cut = 1; cut < frame; cut += 7) {
    const TestFolder copy;
    std::filesystem::copy(folder.path(), copy.path(),
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
    WriteTestFile(copy.path() / "journal", ByteView(whole).first(whole.size() - cut));
    const Result<std::unique_ptr<LogWriter>> log = OpenLog(copy.path());
    ASSERT_TRUE(log.has_value()) << log.error().message;
    EXPECT_EQ((*log)->size(), 2U);
    EXPECT_EQ((*log)->Append(TestLeaf(2)).value(), 2U);
  }
}

TEST(LogWriterRecoveryTest, ZerosAfterTheLastFrameAreATornEnd) {
  const TestFolder folder;
  ASSERT_EQ(AppendAndDie(folder.path(), 2), 2U);
  Bytes content = JournalOf(folder.path());
  content.resize(content.size() + 4096);  // what a file system may leave of a lost write
  WriteTestFile(folder.path() / "journal", content);
  EXPECT_EQ(OpenLog(folder.path()).value()->size(), 2U);
}

// Any change before the last frame was acknowledged once: it must not pass for a torn end.
TEST(LogWriterRecoveryTest, AChangedByteBeforeTheLastFrameIsAnIntegrityFailure) {
  const TestFolder folder;
  ASSERT_EQ(AppendAndDie(folder.path(), 3), 3U);
  const Bytes whole = JournalOf(folder.path());
  const std::size_t frame = (whole.size() - kJournalHeaderSize) / 3;
  for (std::size_t at = 0; at < whole.size() - frame; ++at) {
    Bytes changed = whole;
    changed[at] ^= std::byte{0x10};
    WriteTestFile(folder.path() / "journal", changed);
    const Result<std::unique_ptr<LogWriter>> log = OpenLog(folder.path());
    ASSERT_FALSE(log.has_value()) << "byte " << at;
    EXPECT_EQ(log.error().code, ErrorCode::kIntegrityFailure);
    EXPECT_THAT(log.error().message, StartsWith("journal: "));
    if (at >= kJournalHeaderSize) {
      EXPECT_THAT(log.error().message,
                  HasSubstr("entry " + std::to_string((at - kJournalHeaderSize) / frame)));
    }
  }
  WriteTestFile(folder.path() / "journal", whole);
  EXPECT_EQ(OpenLog(folder.path()).value()->size(), 3U);
}

TEST(LogWriterRecoveryTest, AnotherJournalKeyIsAnIntegrityFailure) {
  const TestFolder folder;
  ASSERT_EQ(AppendAndDie(folder.path(), 1), 1U);
  const Result<std::unique_ptr<LogWriter>> log =
      LogWriter::Open({.folder = folder.path(),
                       .origin = std::string(kTestOrigin),
                       .keys = TestKeys(),
                       .journal_key = TestKey(4)});
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().code, ErrorCode::kIntegrityFailure);
}

TEST(LogWriterRecoveryTest, FilesThatAreGoneAreNamed) {
  const TestFolder folder;
  {
    const std::unique_ptr<LogWriter> log = std::move(OpenLog(folder.path()).value());
    ASSERT_TRUE(log->Append(TestLeaf(0)).has_value());
  }
  for (const std::string file :
       {"journal", "checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"}) {
    const Bytes content = ReadFile(folder.path() / file, 1 << 20).value();
    std::filesystem::remove(folder.path() / file);
    const Result<std::unique_ptr<LogWriter>> log = OpenLog(folder.path());
    ASSERT_FALSE(log.has_value()) << file;
    EXPECT_EQ(log.error().code, ErrorCode::kIntegrityFailure);
    EXPECT_THAT(log.error().message, StartsWith(file));
    WriteTestFile(folder.path() / file, content);
  }
  EXPECT_EQ(OpenLog(folder.path()).value()->size(), 1U);
}

TEST(LogWriterRecoveryTest, AnOlderCheckpointBesideANewerJournalIsAnIntegrityFailure) {
  const TestFolder folder;
  const TestFolder old;
  const auto append = [&folder](std::uint64_t number) {
    const std::unique_ptr<LogWriter> log = std::move(OpenLog(folder.path()).value());
    ASSERT_TRUE(log->Append(TestLeaf(number)).has_value());
  };
  append(0);
  std::filesystem::copy(
      folder.path(), old.path(),
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  append(1);
  const Bytes newer_journal = JournalOf(folder.path());
  const Bytes older_journal = JournalOf(old.path());
  WriteTestFile(old.path() / "journal", newer_journal);
  EXPECT_EQ(OpenLog(old.path()).error().code, ErrorCode::kIntegrityFailure);
  WriteTestFile(folder.path() / "journal", older_journal);
  EXPECT_EQ(OpenLog(folder.path()).error().code, ErrorCode::kIntegrityFailure);
}

// RLIMIT_FSIZE stands in for a full disk: write(2) fails with EFBIG in the middle of a frame.
TEST(LogWriterFullDiskTest, AnAppendThatDoesNotFitIsRefusedAndNothingIsLost) {
  const TestFolder folder;
  Appender appender({folder.path().string(), "limited", "20000"});
  const std::uint64_t appended = appender.Wait();
  EXPECT_TRUE(WIFEXITED(appender.status()));
  EXPECT_EQ(WEXITSTATUS(appender.status()), 0);
  EXPECT_GT(appended, 10U);

  const std::unique_ptr<LogWriter> log = std::move(OpenLog(folder.path()).value());
  EXPECT_EQ(log->size(), appended);
  EXPECT_EQ(log->Append(TestLeaf(appended)).value(), appended);
  ASSERT_TRUE(log->Checkpoint().has_value());
  EXPECT_EQ(VerifyLog(folder.path(), TestVerifiers()).value().entries, appended + 1);
}

TEST(LogWriterJournalTest, IsCutOnceItsEntriesAreInTiles) {
  const TestFolder folder;
  const std::unique_ptr<LogWriter> log = std::move(OpenLog(folder.path()).value());
  for (std::uint64_t i = 0; i < 12000; ++i) {
    ASSERT_TRUE(log->AppendRelaxed(TestLeaf(i)).has_value());
  }
  ASSERT_TRUE(log->Checkpoint().has_value());
  ASSERT_TRUE(log->Checkpoint().has_value());
  EXPECT_LT(JournalOf(folder.path()).size(), std::size_t{1} << 20);
  EXPECT_EQ(log->Append(TestLeaf(12000)).value(), 12000U);
  EXPECT_EQ(VerifyLog(folder.path(), TestVerifiers()).value().checkpoint.size, 12000U);
}

}  // namespace
}  // namespace casemate::audit
