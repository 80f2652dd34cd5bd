#include "attestation/attacks.h"

#include <gtest/gtest.h>

#include <set>

namespace casemate::attestation {
namespace {

Result<AttackTable> Table(const std::string& rows) {
  return AttackTable::Read(PlaintextView::Of(
      R"({"format": "casemate-attacks/1", "date": "2026-11-22", "attacks": [)" + rows + "]}"));
}
std::string Row(const std::string& rules, const std::string& more = "") {
  return R"({"id": "x", "name": "X", "families": ["sev-snp"], "rules": [)" + rules +
         R"(], "vendor_scope": "fixed", "source": "s", "grade": "g", "date": "2026-11-22")" + more +
         "}";
}

Coverage Judged(const std::string& rules, const AttackFacts& facts) {
  Result<AttackTable> table = Table(Row(rules));
  EXPECT_TRUE(table.has_value()) << table.error().message;
  Appraisal appraisal;
  appraisal.kind = Kind::kSevSnp;
  table->Judge(facts, appraisal);
  return appraisal.attacks.at(0).coverage;
}

TEST(AttackTableTest, TheShippedTableIsReadAndEachRowHasASource) {
  const AttackTable& table = AttackTable::Shipped();
  EXPECT_GT(table.size(), 15U);
  EXPECT_EQ(table.date(), "2026-11-22");
}

// Appraisals and assessments name attacks by these (docs/formats/attacks.md): one may be added,
// none renamed.
TEST(AttackTableTest, IdsOfTheShippedTableAreStable) {
  std::set<std::string> ids;
  for (const Kind kind : {Kind::kSevSnp, Kind::kTdx, Kind::kSgx, Kind::kNvidiaGpu, Kind::kArmCca}) {
    Appraisal appraisal;
    appraisal.kind = kind;
    AttackTable::Shipped().Judge({.lines = {"unknown"}, .values = {}}, appraisal);
    for (const AttackResult& attack : appraisal.attacks) {
      ids.insert(attack.id);
    }
  }
  for (const char* id : {"one-glitch", "cachewarp", "heckler-wesee", "badram", "entrysign",
                         "rmpocalypse", "heracles", "stackwarp", "fabricked", "staleus",
                         "milanlaunchy-badfuse", "tdxdown", "battering-ram", "wiretap", "tee-fail",
                         "ddrop", "gpu-borrowing", "relay", "side-channels"}) {
    EXPECT_TRUE(ids.contains(id)) << id;
  }
}

TEST(AttackTableTest, AFloorDecides) {
  const std::string rule =
      R"({"lines": ["milan"], "all": [{"fact": "microcode", "at_least": 209}]})";
  EXPECT_EQ(Judged(rule, {.lines = {"milan"}, .values = {{"microcode", 209}}}), Coverage::kCovered);
  EXPECT_EQ(Judged(rule, {.lines = {"milan"}, .values = {{"microcode", 208}}}),
            Coverage::kNotCovered);
  EXPECT_EQ(Judged(rule, {.lines = {"milan"}, .values = {}}), Coverage::kCannotTell);
  EXPECT_EQ(Judged(rule, {.lines = {"venice"}, .values = {{"microcode", 209}}}),
            Coverage::kCannotTell);
}

TEST(AttackTableTest, OfSeveralPossibleProductsTheWorstCounts) {
  const std::string rules =
      R"({"lines": ["milan"], "all": [{"fact": "microcode", "at_least": 209}]},
         {"lines": ["milan-x"], "all": [{"fact": "microcode", "at_least": 52}]})";
  EXPECT_EQ(Judged(rules, {.lines = {"milan", "milan-x"}, .values = {{"microcode", 68}}}),
            Coverage::kNotCovered);
  EXPECT_EQ(Judged(rules, {.lines = {"milan-x"}, .values = {{"microcode", 68}}}),
            Coverage::kCovered);
}

TEST(AttackTableTest, VersionsOrderByTheirParts) {
  EXPECT_LT(VersionNumber("1.49.3").value(), VersionNumber("1.55.22").value());
  EXPECT_LT(VersionNumber("1.55.22").value(), VersionNumber("1.55.38").value());
  EXPECT_EQ(VersionText(VersionNumber("1.55.22").value()), "1.55.22");
  for (const char* bad : {"", "1", "1.2", "1.2.3.4", "1.2.256", "a.b.c", "1.2.-3"}) {
    EXPECT_FALSE(VersionNumber(bad).has_value()) << bad;
  }
}

TEST(AttackTableTest, AnAttackOnTheReportVoidsTheOthers) {
  Result<AttackTable> table =
      Table(Row(R"({"lines": ["*"], "all": [{"fact": "a", "is": 1}]})") + "," +
            Row(R"({"lines": ["*"], "coverage": "not-covered"})", R"(, "voids": "forgeable")"));
  ASSERT_TRUE(table.has_value());
  Appraisal appraisal;
  appraisal.kind = Kind::kSevSnp;
  table->Judge({.lines = {"milan"}, .values = {{"a", 1}}}, appraisal);
  EXPECT_EQ(appraisal.attacks[0].coverage, Coverage::kCovered);
  EXPECT_EQ(appraisal.attacks[0].void_because, "forgeable");
  EXPECT_EQ(appraisal.warnings.size(), 1U);
}

TEST(AttackTableTest, WhatIsNoTableIsRefused) {
  for (const std::string& rows :
       {std::string("{}"), Row(""), Row(R"({"lines": ["*"]})"),
        Row(R"({"lines": ["*"], "coverage": "safe"})"),
        Row(R"({"lines": ["*"], "coverage": "covered", "all": [{"fact": "a", "is": 1}]})"),
        Row(R"({"lines": ["*"], "all": []})"), Row(R"({"lines": ["*"], "all": [{"fact": "a"}]})"),
        Row(R"({"lines": ["*"], "all": [{"fact": "a", "is": 1, "at_least": 2}]})"),
        Row(R"({"lines": ["*"], "all": [{"fact": "a", "at_least_version": "1"}]})")}) {
    EXPECT_FALSE(Table(rows).has_value()) << rows;
  }
  EXPECT_FALSE(AttackTable::Read(PlaintextView::Of(R"({"format": "other/1"})")).has_value());
  std::string without_source = Row(R"({"lines": ["*"], "coverage": "covered"})");
  without_source.replace(without_source.find("\"source\""), 8, "\"sauce\"");
  EXPECT_FALSE(Table(without_source).has_value());
}

}  // namespace
}  // namespace casemate::attestation
