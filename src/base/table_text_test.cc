#include "base/table_text.h"

#include <gtest/gtest.h>

namespace casemate {
namespace {

TEST(TableTextTest, ACsvFieldKeepsQuotesCommasAndLines) {
  EXPECT_EQ(CsvField(""), "\"\"");
  EXPECT_EQ(CsvField("a, \"b\"\nc"), "\"a, \"\"b\"\"\nc\"");
}

TEST(TableTextTest, ACsvFieldIsNoFormula) {
  for (const char* text : {"=1+1", "+1", "-1", "@a", "\t=1", "\r=1"}) {
    EXPECT_EQ(CsvField(text), "\"'" + std::string(text) + "\"");
  }
  EXPECT_EQ(CsvField("a=1"), "\"a=1\"");
}

TEST(TableTextTest, AMarkdownCellCannotEndItsTable) {
  EXPECT_EQ(MarkdownCell("a | b\nc"), "a \\| b c");
  EXPECT_EQ(MarkdownCell("<script>`x`\\"), "\\<script>\\`x\\`\\\\");
}

}  // namespace
}  // namespace casemate
