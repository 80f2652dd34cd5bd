#include "base/html_text.h"

#include <gtest/gtest.h>

namespace casemate {
namespace {

TEST(HtmlTextTest, TextIsCutBetweenCharactersOnlyWhereItIsTooLong) {
  EXPECT_EQ(CutText("", 3), "");
  EXPECT_EQ(CutText("abc", 3), "abc");
  EXPECT_EQ(CutText("abcd", 3), "ab…");
  EXPECT_EQ(CutText("äöü", 3), "äöü");
  EXPECT_EQ(CutText("äöüß", 3), "äö…");
  EXPECT_EQ(CutText("\x80\x80", 3), "\x80\x80");  // no character begins here
}

TEST(HtmlTextTest, WhatMeansSomethingInHtmlIsEscaped) {
  EXPECT_EQ(EscapeHtml("<a href=\"x\">&</a>"), "&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;");
}

}  // namespace
}  // namespace casemate
