#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "app/child_under_test.h"
#include "ipc/peer.h"
#include "retrieval/messages.h"

// Drives casemate-parse as supervisor and keeper do.
namespace casemate {
namespace {

struct Parser {
  ChildUnderTest child{"casemate-parse"};
  std::unique_ptr<ipc::Peer> peer;
};

void Start(Parser& parser,
           ipc::SetupParse limits = {.cpu_seconds = 20, .memory_bytes = std::uint64_t{1} << 30}) {
  auto ends = ipc::Channel::MakePair();
  ASSERT_TRUE(ends.has_value());
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(ends->first));
  Result<ipc::Frame> first = parser.child.Start(ipc::ProcessKind::kParse, limits, std::move(fds));
  ASSERT_TRUE(first.has_value()) << first.error().message;
  ASSERT_EQ(first->type, ipc::MessageType::kReady);
  parser.peer = ipc::Peer::Start(
      ipc::Channel(std::move(ends->second), ipc::ProcessKind::kKeeper, ipc::ProcessKind::kParse),
      {}, {.workers = 1});
}

Result<retrieval::ParsedDocument> Ask(Parser& parser, std::string format, std::string_view text) {
  return parser.peer->Call<retrieval::ParsedDocument>(
      retrieval::ParseDocument{.format = std::move(format), .document = Plaintext::Copy(text)});
}

TEST(ParseProcessTest, AnswersOnceAndEnds) {
  Parser parser;
  Start(parser);
  Result<retrieval::ParsedDocument> parsed =
      Ask(parser, "html", "<title>T</title><h1>Head</h1><p>Text");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->title.view().Reveal(), "T");
  EXPECT_EQ(parsed->text.view().Reveal(), "Head\n\nText");
  const int status = parser.child.Wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(ParseProcessTest, LargeDocumentsPass) {
  Parser parser;
  Start(parser);
  std::string text;
  while (text.size() < 3'000'000) {
    text += "A paragraph of some words that stands for many.\n\n";
  }
  Result<retrieval::ParsedDocument> parsed = Ask(parser, "markdown", text);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_GT(parsed->blocks.size(), 60'000U);
}

TEST(ParseProcessTest, ErrorsArrive) {
  Parser parser;
  Start(parser);
  Result<retrieval::ParsedDocument> parsed = Ask(parser, "text",
                                                 std::string_view("\x7F"
                                                                  "ELF\0\0",
                                                                  6));
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(parsed.error().message, "binary file");
}

TEST(ParseProcessTest, EndsWithItsKeeper) {
  Parser parser;
  Start(parser);
  parser.peer.reset();
  const int status = parser.child.Wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

std::string ManyParagraphs(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    text += "A *paragraph* of [some](words) that `stands` for many.\n\n";
  }
  return text;
}

TEST(ParseProcessTest, TooMuchProcessorTimeIsSaid) {
  Parser parser;
  Start(parser, {.cpu_seconds = 0, .memory_bytes = std::uint64_t{1} << 30});
  Result<retrieval::ParsedDocument> parsed = Ask(parser, "markdown", ManyParagraphs(40'000'000));
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(parsed.error().message, testing::HasSubstr("took more than 0 s of CPU"));
  parser.peer.reset();
  const int status = parser.child.Wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(ParseProcessTest, TooMuchMemoryIsSaid) {
  Parser parser;
  Start(parser, {.cpu_seconds = 20, .memory_bytes = std::uint64_t{60} << 20});
  Result<retrieval::ParsedDocument> parsed = Ask(parser, "markdown", ManyParagraphs(60'000'000));
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(parsed.error().message, testing::HasSubstr("needed more than 60 MiB of memory"));
}

}  // namespace
}  // namespace casemate
