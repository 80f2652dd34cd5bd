#include "inference/room/answer_text.h"

#include <gtest/gtest.h>

#include <string>

namespace casemate::inference {
namespace {

std::vector<Plaintext> Stops(std::initializer_list<std::string_view> texts) {
  std::vector<Plaintext> stops;
  for (const std::string_view text : texts) {
    stops.push_back(Plaintext::Copy(text));
  }
  return stops;
}

AnswerText Make(std::initializer_list<std::string_view> stops = {}) {
  return std::move(*AnswerText::Create(Stops(stops)));
}

std::string Feed(AnswerText& answer, std::string_view piece) {
  return std::string(answer.Append(PlaintextView::Of(piece)).view().Reveal());
}
std::string End(AnswerText& answer) { return std::string(answer.Finish().view().Reveal()); }

TEST(AnswerTextTest, AsciiPassesAtOnce) {
  AnswerText answer = Make();
  EXPECT_EQ(Feed(answer, "one"), "one");
  EXPECT_EQ(Feed(answer, " two"), " two");
  EXPECT_EQ(End(answer), "");
}

TEST(AnswerTextTest, ACharacterInPiecesIsSentWhole) {
  AnswerText answer = Make();
  EXPECT_EQ(Feed(answer, "a\xE2"), "a");
  EXPECT_EQ(Feed(answer, "\x82"), "");
  EXPECT_EQ(Feed(answer, "\xAC!"), "\xE2\x82\xAC!");
}

TEST(AnswerTextTest, BytesThatAreNoCharacterAreReplaced) {
  AnswerText answer = Make();
  EXPECT_EQ(Feed(answer, "a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(Feed(answer, "\xC3("), "\xEF\xBF\xBD(");       // a lead without its follower
  EXPECT_EQ(Feed(answer, "\xED\xA0\x80").size() % 3, 0U);  // a surrogate
  EXPECT_EQ(Feed(answer, "\xE2\x82"), "");                 // could still become one
  EXPECT_EQ(End(answer), "\xEF\xBF\xBD");                  // never did
}

TEST(AnswerTextTest, AStopStringEndsTheAnswerBeforeIt) {
  AnswerText answer = Make({"END"});
  EXPECT_EQ(Feed(answer, "text END more"), "text ");
  EXPECT_TRUE(answer.stopped());
  EXPECT_EQ(Feed(answer, "late"), "");
  EXPECT_EQ(End(answer), "");
}

TEST(AnswerTextTest, AStopStringAcrossPiecesIsHeldBack) {
  AnswerText answer = Make({"END"});
  EXPECT_EQ(Feed(answer, "text E"), "text ");
  EXPECT_EQ(Feed(answer, "N"), "");
  EXPECT_EQ(Feed(answer, "D"), "");
  EXPECT_TRUE(answer.stopped());
}

TEST(AnswerTextTest, WhatWasHeldBackComesWhenItBecomesNoStop) {
  AnswerText answer = Make({"END"});
  EXPECT_EQ(Feed(answer, "EN"), "");
  EXPECT_EQ(Feed(answer, "TER"), "ENTER");
  EXPECT_FALSE(answer.stopped());
  EXPECT_EQ(Feed(answer, "EE"), "E");  // the second may begin one
  EXPECT_EQ(End(answer), "E");
}

TEST(AnswerTextTest, TheEarliestOfSeveralStopsCounts) {
  AnswerText answer = Make({"bb", "abb"});
  EXPECT_EQ(Feed(answer, "xabb"), "x");
  EXPECT_TRUE(answer.stopped());
}

TEST(AnswerTextTest, BadStopsAreRefused) {
  EXPECT_FALSE(AnswerText::Create(Stops({""})).has_value());
  EXPECT_FALSE(AnswerText::Create(Stops({"\x80"})).has_value());
  EXPECT_FALSE(AnswerText::Create(Stops({std::string(kMaxStopBytes + 1, 'x')})).has_value());
  EXPECT_FALSE(AnswerText::Create(Stops({"a", "b", "c", "d", "e"})).has_value());
  EXPECT_TRUE(AnswerText::Create(Stops({std::string(kMaxStopBytes, 'x')})).has_value());
}

}  // namespace
}  // namespace casemate::inference
