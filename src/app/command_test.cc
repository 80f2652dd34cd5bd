#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "app/command_files.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_secret.h"
#include "base/file.h"
#include "base/id.h"
#include "crypto/hash.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

class CommandTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / crypto::RandomId<ObjectId>().ToString();
    ASSERT_TRUE(MakeFolder(folder_).has_value());
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path Write(const std::string& name, std::string_view content) {
    EXPECT_TRUE(WriteFileAtomically(folder_ / name, AsBytes(content)).has_value());
    return folder_ / name;
  }
  std::string Read(const fs::path& path) {
    Result<Bytes> content = ReadFile(path, 1 << 20);
    return content ? std::string(AsText(*content)) : "none: " + content.error().message;
  }
  fs::path folder_;
};

TEST_F(CommandTest, APassphraseIsTheFirstLine) {
  for (const char* content : {"correct horse", "correct horse\n", "correct horse\nsecond line\n"}) {
    Result<SecretBuffer> secret =
        ReadPassphrase({.file = Write("passphrase", content).string()}, true);
    ASSERT_TRUE(secret.has_value()) << secret.error().message;
    EXPECT_TRUE(secret->EqualsConstantTime(AsBytes("correct horse")));
  }
}

TEST_F(CommandTest, EmptyLongAndMissingPassphrasesAreRefused) {
  const auto code = [](const fs::path& path) {
    Result<SecretBuffer> secret = ReadPassphrase({.file = path.string()}, false);
    return secret ? ErrorCode::kConflict : secret.error().code;
  };
  EXPECT_EQ(code(Write("empty", "")), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(Write("line", "\nabc")), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(Write("long", std::string(4097, 'x'))), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(folder_ / "missing"), ErrorCode::kNotFound);
  EXPECT_TRUE(
      ReadPassphrase({.file = Write("most", std::string(4096, 'x')).string()}, false).has_value());
}

TEST_F(CommandTest, APassphraseComesFromADescriptorAndIsHandedOverInMemory) {
  UniqueFd file(::open(Write("passphrase", "abc\n").c_str(), O_RDONLY | O_CLOEXEC));
  Result<SecretBuffer> secret =
      ReadPassphrase({.descriptor = static_cast<std::uint64_t>(file.get())}, false);
  ASSERT_TRUE(secret.has_value()) << secret.error().message;
  Result<UniqueFd> memory = SecretMemfd(*secret);
  ASSERT_TRUE(memory.has_value());
  for (int time = 0; time < 2; ++time) {
    char content[8] = {};
    EXPECT_EQ(::pread(memory->get(), content, sizeof(content), 0), 3);
    EXPECT_STREQ(content, "abc");
  }
}

TEST_F(CommandTest, AModelIsCopiedUnderItsDigest) {
  const fs::path model = Write("model", "GGUF and weights");
  Result<CopiedModel> copied = CopyModel(model, folder_);
  ASSERT_TRUE(copied.has_value()) << copied.error().message;
  EXPECT_EQ(copied->bytes, 16U);
  EXPECT_EQ(copied->digest, ToHex(crypto::Sha256(AsBytes("GGUF and weights"))));
  EXPECT_EQ(Read(folder_ / (copied->digest + ".gguf")), "GGUF and weights");
  EXPECT_TRUE(CopyModel(model, folder_).has_value()) << "the same model again";
}

TEST_F(CommandTest, WhatIsNoModelIsNotCopied) {
  Result<CopiedModel> copied = CopyModel(Write("model", "PK zip"), folder_);
  ASSERT_FALSE(copied.has_value());
  EXPECT_EQ(copied.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(CopyModel(folder_ / "missing", folder_).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(CommandTest, TreesAreCopiedAndNothingIsWrittenOver) {
  ASSERT_TRUE(MakeFolder(folder_ / "from/deep").has_value());
  Write("from/a", "one");
  Write("from/deep/b", "two");
  fs::create_symlink("/etc/passwd", folder_ / "from/link");
  ASSERT_TRUE(CopyTree(folder_ / "from", folder_ / "to").has_value());
  EXPECT_EQ(Read(folder_ / "to/a"), "one");
  EXPECT_EQ(Read(folder_ / "to/deep/b"), "two");
  EXPECT_EQ(CopyFile(folder_ / "from/a", folder_ / "to/a").error().code, ErrorCode::kConflict);
  EXPECT_EQ(fs::status(folder_ / "to").permissions() & fs::perms::others_all, fs::perms::none);
}

TEST_F(CommandTest, ControlCharactersStayOutOfCells) {
  EXPECT_EQ(Clean(PlaintextView::Of("a\x1b[31mb\nc\x7f ü")), "a?[31mb?c? ü");
}

class CommandLineTest : public testing::Test {
 protected:
  int Run(std::vector<std::string> words) {
    words.insert(words.begin(), "casemate");
    std::vector<char*> arguments;
    arguments.reserve(words.size());
    for (std::string& word : words) {
      arguments.push_back(word.data());
    }
    return line_.Run(static_cast<int>(arguments.size()), arguments.data());
  }
  CommandLine line_;
  std::string dir_;
  std::uint64_t number_ = 0;
  Result<ExitStatus> outcome_ = ExitStatus::kOk;
  int ran_ = 0;

  void SetUp() override {
    line_
        .Add("thing make", "Makes", "casemate thing make --dir D",
             [this] {
               ++ran_;
               return outcome_;
             })
        .Required("--dir", dir_, "Where")
        .Number("--number", number_, "How many", 8, 16);
  }
};

TEST_F(CommandLineTest, TheLastOfSeveralValuesCounts) {
  EXPECT_EQ(Run({"thing", "make", "--dir", "a", "--dir", "b", "--number", "9"}), 0);
  EXPECT_EQ(dir_, "b");
  EXPECT_EQ(number_, 9U);
  EXPECT_EQ(ran_, 1);
}

TEST_F(CommandLineTest, WrongUsageIsStatusTwoAndRunsNothing) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{},
        {"thing"},
        {"other"},
        {"thing", "make"},
        {"thing", "make", "--dir", "a", "--number", "7"},
        {"thing", "make", "--dir", "a", "--colour", "red"}}) {
    EXPECT_EQ(Run(words), 2);
  }
  EXPECT_EQ(ran_, 0);
}

TEST_F(CommandLineTest, ErrorsBecomeTheDocumentedStatus) {
  const std::pair<ErrorCode, int> cases[] = {
      {ErrorCode::kPermissionDenied, 3}, {ErrorCode::kUnauthenticated, 3},
      {ErrorCode::kNotFound, 4},         {ErrorCode::kIntegrityFailure, 5},
      {ErrorCode::kUnavailable, 6},      {ErrorCode::kResourceExhausted, 6},
      {ErrorCode::kConflict, 1},         {ErrorCode::kInvalidArgument, 1},
      {ErrorCode::kTooLarge, 1}};
  for (const auto& [code, status] : cases) {
    EXPECT_EQ(static_cast<int>(StatusOf(code)), status) << ErrorCodeName(code);
  }
  outcome_ = Fail(ErrorCode::kIntegrityFailure, "a tile does not verify");
  EXPECT_EQ(Run({"thing", "make", "--dir", "a"}), 5);
}

}  // namespace
}  // namespace casemate::app
