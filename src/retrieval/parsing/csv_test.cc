#include "retrieval/parsing/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retrieval/parsing/parsing_read.h"

namespace casemate::retrieval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CsvTest, RecordsNameTheirColumns) {
  EXPECT_THAT(Read("csv", "Name,Price\r\nRope,4\r\nLamp,9\r\n").blocks,
              ElementsAre("t:Name: Rope; Price: 4", "t:Name: Lamp; Price: 9"));
}

// The forms of RFC 4180, section 2: quotes, commas, line ends and doubled quotes within cells.
TEST(CsvTest, QuotedCellsHoldDelimitersLineEndsAndQuotes) {
  EXPECT_THAT(Read("csv", "a,b,c\n\"x, y\",\"two\nlines\",\"he said \"\"no\"\"\"\n").blocks,
              ElementsAre("t:a: x, y; b: two lines; c: he said \"no\""));
}

TEST(CsvTest, TheDelimiterIsFound) {
  EXPECT_THAT(Read("csv", "Name;Price\nRope, long;4,50\nLamp;9,00\n").blocks,
              ElementsAre("t:Name: Rope, long; Price: 4,50", "t:Name: Lamp; Price: 9,00"));
  EXPECT_THAT(Read("csv", "Name|Price\nRope|4\n").blocks, ElementsAre("t:Name: Rope; Price: 4"));
  EXPECT_THAT(Read("tsv", "Name\tPrice\nRope, thin\t4\n").blocks,
              ElementsAre("t:Name: Rope, thin; Price: 4"));
}

TEST(CsvTest, WithoutAHeaderCellsStandAlone) {
  EXPECT_THAT(Read("csv", "1,Rope\n2,Lamp\n").blocks, ElementsAre("t:1 | Rope", "t:2 | Lamp"));
  EXPECT_THAT(Read("csv", "x,x\ny,y\n").blocks, ElementsAre("t:x | x", "t:y | y"));
}

TEST(CsvTest, EmptyCellsAndRecordsAreLeftOut) {
  EXPECT_THAT(Read("csv", "a,b,c\n1,,3\n\n,,\n").blocks, ElementsAre("t:a: 1; c: 3"));
}

TEST(CsvTest, LongRecordsRepeatTheFirstCell) {
  const std::string words(150, 'w');
  EXPECT_THAT(Read("csv", "id,p,q\n7," + words + "," + words + "\n").blocks,
              ElementsAre("t:id: 7; p: " + words + "\nid: 7; q: " + words));
}

TEST(CsvTest, CellsBeyondTheHeaderHaveNoName) {
  EXPECT_THAT(Read("csv", "a,b\n1,2,3\n").blocks, ElementsAre("t:a: 1; b: 2; 3"));
}

TEST(CsvTest, AGiganticCellIsRefused) {
  const Parsed parsed = Read("csv", "a,b\n1," + std::string(kMaxCellBytes + 1, 'x') + "\n");
  EXPECT_EQ(parsed.error.code, ErrorCode::kTooLarge);
  EXPECT_THAT(parsed.error.message, HasSubstr("record 2 has a cell"));
  EXPECT_THAT(Read("csv", "a,b\n1,\"" + std::string(kMaxCellBytes + 1, 'x') + "\"\n").error.message,
              HasSubstr("record 2 has a cell"));
}

TEST(CsvTest, TooManyColumnsAreRefused) {
  EXPECT_THAT(Read("csv", std::string(kMaxColumns + 5, ',')).error.message,
              HasSubstr("more than 1024 columns"));
}

TEST(CsvTest, AnUnendingQuoteIsRefused) {
  EXPECT_THAT(Read("csv", "a,b\n1,\"never\nends\n").error.message,
              HasSubstr("the quote that begins in record 2 does not end"));
}

}  // namespace
}  // namespace casemate::retrieval
