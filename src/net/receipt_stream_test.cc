#include "net/receipt_stream.h"

#include <gtest/gtest.h>

#include "audit/verify/test_receipt.h"

namespace casemate::net {
namespace {

using audit::TestReceiptId;
using audit::TestSalt;

const std::string kAnswer = "data: {\"a\":1}\n\ndata: {\"b\":2}\n\ndata: [DONE]\n\n";

std::string LastEvent(const audit::ReceiptId& id = TestReceiptId()) {
  return "event: casemate.receipt\ndata: {\"type\":\"casemate.receipt\",\"id\":\"" + id.ToString() +
         "\"}\n\n";
}

audit::Digest DigestOf(std::string_view answer) {
  audit::AnswerDigest digest(TestSalt());
  digest.Update(AsBytes(answer));
  return digest.Finish();
}

// Feeds `text` in pieces of `size` bytes; returns what was given out before the rest.
std::string Feed(ReceiptStream& stream, std::string_view text, std::size_t size) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += size) {
    out += stream.Add(PlaintextView::Of(text.substr(at, size))).view().Reveal();
  }
  return out;
}

TEST(ReceiptStreamTest, AStreamIsDigestedUpToItsLastEventHoweverItIsCut) {
  const std::string text = kAnswer + LastEvent();
  for (std::size_t size = 1; size <= text.size(); ++size) {
    ReceiptStream stream(TestSalt(), TestReceiptId(), true);
    std::string out = Feed(stream, text, size);
    out += stream.TakeRest().view().Reveal();
    EXPECT_EQ(out, text) << size;
  }
  for (std::size_t size = 1; size <= text.size(); ++size) {
    ReceiptStream stream(TestSalt(), TestReceiptId(), true);
    (void)Feed(stream, text, size);
    Result<audit::Digest> digest = stream.Finish();
    ASSERT_TRUE(digest.has_value()) << size << ": " << digest.error().message;
    EXPECT_EQ(*digest, DigestOf(kAnswer)) << size;
  }
}

TEST(ReceiptStreamTest, WhatEndsTheAnswerForItsClientIsHeldBack) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
    ReceiptStream stream(TestSalt(), TestReceiptId(), true);
    const std::string out = Feed(stream, kAnswer + LastEvent(), size);
    EXPECT_EQ(out, "data: {\"a\":1}\n\ndata: {\"b\":2}\n\n") << size;
    EXPECT_EQ(stream.TakeRest().view().Reveal(), "data: [DONE]\n\n" + LastEvent()) << size;
  }
}

TEST(ReceiptStreamTest, AStreamWithoutItsLastEventWasCutOff) {
  for (const std::string& text :
       {std::string(), kAnswer, kAnswer + LastEvent().substr(0, LastEvent().size() - 1)}) {
    ReceiptStream stream(TestSalt(), TestReceiptId(), true);
    (void)Feed(stream, text, 5);
    EXPECT_EQ(stream.Finish().error().code, ErrorCode::kIntegrityFailure);
  }
}

TEST(ReceiptStreamTest, NothingMayStandBehindTheLastEvent) {
  for (const char* more : {"data: x\n\n", "x"}) {
    ReceiptStream stream(TestSalt(), TestReceiptId(), true);
    (void)Feed(stream, kAnswer + LastEvent() + more, 5);
    EXPECT_EQ(stream.Finish().error().code, ErrorCode::kIntegrityFailure) << more;
  }
}

TEST(ReceiptStreamTest, TheLastEventNamesTheReceiptOfTheHead) {
  ReceiptStream stream(TestSalt(), TestReceiptId(), true);
  (void)Feed(stream, kAnswer + LastEvent(audit::ReceiptId()), 5);
  EXPECT_EQ(stream.Finish().error().code, ErrorCode::kIntegrityFailure);
}

TEST(ReceiptStreamTest, AWholeAnswerIsDigestedAsItIs) {
  ReceiptStream stream(TestSalt(), TestReceiptId(), false);
  EXPECT_EQ(Feed(stream, "{\"x\":1}\n\n", 3), "{\"x\":1}\n\n");
  EXPECT_EQ(stream.Finish().value(), DigestOf("{\"x\":1}\n\n"));
}

}  // namespace
}  // namespace casemate::net
