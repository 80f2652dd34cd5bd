#include "audit/verify/log_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "audit/verify/test_log.h"

namespace casemate::audit {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> FilesOf(const std::filesystem::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files.push_back(entry.path().lexically_relative(folder).generic_string());
    }
  }
  return files;
}

void ExpectFlipIsFound(const std::filesystem::path& folder, const std::string& file, std::size_t at,
                       std::uint8_t bits, const std::vector<VerifierKey>& verifiers) {
  Bytes content = ReadFile(folder / file, 1 << 24).value();
  content[at] ^= std::byte{bits};
  WriteTestFile(folder / file, content);
  const Result<VerifyReport> report = VerifyLog(folder, verifiers);
  content[at] ^= std::byte{bits};
  WriteTestFile(folder / file, content);
  ASSERT_FALSE(report.has_value()) << file << " byte " << at;
  EXPECT_EQ(report.error().code, ErrorCode::kIntegrityFailure);
  EXPECT_THAT(report.error().message, StartsWith(file + ":")) << "byte " << at;
}

TEST(VerifyLogTest, AWholeLogVerifies) {
  const std::vector<VerifierKey> verifiers = TestVerifiers();
  for (const std::uint64_t size : {0, 1, 3, 255, 256, 257, 600}) {
    const TestFolder folder;
    WriteTestLog(folder.path(), size);
    const Result<VerifyReport> report = VerifyLog(folder.path(), verifiers);
    ASSERT_TRUE(report.has_value()) << size << ": " << report.error().message;
    EXPECT_EQ(report->entries, size);
    EXPECT_EQ(report->checkpoint.size, size);
    EXPECT_EQ(report->in_journal, 0U);
    EXPECT_EQ(report->files, FilesOf(folder.path()).size() - 1);
  }
}

TEST(VerifyLogTest, EveryFlippedByteOfASmallLogIsFoundAndItsFileNamed) {
  const std::vector<VerifierKey> verifiers = TestVerifiers();
  const TestFolder folder;
  WriteTestLog(folder.path(), 3);
  for (const std::string& file : FilesOf(folder.path())) {
    const std::size_t size = std::filesystem::file_size(folder.path() / file);
    for (std::size_t at = 0; at < size; ++at) {
      ExpectFlipIsFound(folder.path(), file, at, at % 2 == 0 ? 0x01 : 0x80, verifiers);
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST(VerifyLogTest, FlippedBytesOfALongerLogAreFoundAndTheirFileNamed) {
  const std::vector<VerifierKey> verifiers = TestVerifiers();
  const TestFolder folder;
  WriteTestLog(folder.path(), 600);
  std::mt19937_64 random(600);
  for (const std::string& file : FilesOf(folder.path())) {
    const std::size_t size = std::filesystem::file_size(folder.path() / file);
    for (int i = 0; i < 12; ++i) {
      const std::size_t at = i == 0 ? 0 : i == 1 ? size - 1 : random() % size;
      ExpectFlipIsFound(folder.path(), file, at, static_cast<std::uint8_t>(1U << (random() % 8)),
                        verifiers);
    }
  }
}

TEST(VerifyLogTest, AMissingOrCutOrStrangeFileIsNamed) {
  const std::vector<VerifierKey> verifiers = TestVerifiers();
  const TestFolder folder;
  WriteTestLog(folder.path(), 300);
  for (const std::string& file : FilesOf(folder.path())) {
    const Bytes content = ReadFile(folder.path() / file, 1 << 24).value();
    std::filesystem::remove(folder.path() / file);
    const Result<VerifyReport> missing = VerifyLog(folder.path(), verifiers);
    ASSERT_FALSE(missing.has_value()) << file;
    EXPECT_THAT(missing.error().message, HasSubstr(file));
    WriteTestFile(folder.path() / file, ByteView(content).first(content.size() - 1));
    const Result<VerifyReport> cut = VerifyLog(folder.path(), verifiers);
    ASSERT_FALSE(cut.has_value()) << file;
    EXPECT_THAT(cut.error().message, StartsWith(file + ":"));
    WriteTestFile(folder.path() / file, content);
  }
  for (const std::string file : {"tile/0/002", "tile/0/000.p/7", "tile/entries/001.p/1",
                                 "tile/2/000.p/1", "tile/note.txt"}) {
    WriteTestFile(folder.path() / file, Bytes(32 * 7));
    const Result<VerifyReport> strange = VerifyLog(folder.path(), verifiers);
    ASSERT_FALSE(strange.has_value()) << file;
    EXPECT_THAT(strange.error().message, StartsWith(file));
    std::filesystem::remove(folder.path() / file);
  }
  EXPECT_TRUE(VerifyLog(folder.path(), verifiers).has_value());
}

TEST(VerifyLogTest, EntriesAndTilesChangedTogetherDoNotGiveTheRoot) {
  const TestFolder folder;
  const TestFolder other;
  WriteTestLog(folder.path(), 3);
  WriteTestLog(other.path(), 4);
  // The other log's checkpoint over this one's files, and this one's over the other's.
  std::filesystem::copy_file(other.path() / "checkpoint", folder.path() / "checkpoint",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_FALSE(VerifyLog(folder.path(), TestVerifiers()).has_value());
}

TEST(VerifyLogTest, ALogThatForgotWhatAKeptCheckpointHasIsFound) {
  const std::vector<VerifierKey> verifiers = TestVerifiers();
  const TestFolder folder;
  WriteTestLog(folder.path(), 300);
  const auto note = [](const std::filesystem::path& path) {
    return std::string(AsText(ReadFile(path / "checkpoint", kMaxNoteBytes).value()));
  };
  const TestFolder before;
  WriteTestLog(before.path(), 100);
  EXPECT_TRUE(VerifyLog(folder.path(), verifiers, note(before.path())).has_value());

  const Result<VerifyReport> shorter = VerifyLog(before.path(), verifiers, note(folder.path()));
  ASSERT_FALSE(shorter.has_value());
  EXPECT_THAT(shorter.error().message, HasSubstr("entries are gone"));

  const std::string forked =
      SignCheckpoint({.origin = std::string(kTestOrigin), .size = 100, .root = LeafHash({})},
                     TestKeys(), 1)
          .value();
  const Result<VerifyReport> other = VerifyLog(folder.path(), verifiers, forked);
  ASSERT_FALSE(other.has_value());
  EXPECT_THAT(other.error().message, HasSubstr("not those of the checkpoint that was kept"));
}

TEST(LogReaderTest, ShowsTheEntriesAskedFor) {
  const TestFolder folder;
  WriteTestLog(folder.path(), 600);
  const LogReader reader = LogReader::Open(folder.path(), TestVerifiers()).value();
  std::vector<std::uint64_t> seen;
  const auto visit = [&seen](const ShownLeaf& shown) {
    EXPECT_EQ(shown.leaf.count, shown.index);
    EXPECT_TRUE(shown.in_checkpoint);
    seen.push_back(shown.index);
    return shown.index != 402;
  };
  ASSERT_TRUE(reader.Show(254, 4, visit).has_value());
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{254, 255, 256, 257}));
  seen.clear();
  ASSERT_TRUE(reader.Show(400, UINT64_MAX, visit).has_value());
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{400, 401, 402}));
  seen.clear();
  ASSERT_TRUE(reader.Show(600, 10, visit).has_value());
  EXPECT_TRUE(seen.empty());
}

TEST(LogReaderTest, ProvesEntriesToWhoHasTheKeys) {
  const TestFolder folder;
  WriteTestLog(folder.path(), 600);
  const LogReader reader = LogReader::Open(folder.path(), TestVerifiers()).value();
  for (const std::uint64_t index : {0, 255, 256, 599}) {
    const Result<std::string> proof = reader.Prove(index);
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    const Result<Proven> proven = VerifyProof(*proof, TestVerifiers());
    ASSERT_TRUE(proven.has_value()) << proven.error().message;
    EXPECT_EQ(proven->index, index);
    EXPECT_EQ(proven->entry, EncodeLeaf(TestLeaf(index)));
  }
  EXPECT_EQ(reader.Prove(600).error().code, ErrorCode::kNotFound);
}

TEST(LogReaderTest, AFolderWithoutALogIsNotFound) {
  const TestFolder folder;
  EXPECT_EQ(LogReader::Open(folder.path(), TestVerifiers()).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace casemate::audit
