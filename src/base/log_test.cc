#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/log_settings.h"

namespace casemate {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// What `write` says on standard error.
template <typename Write>
std::string Said(Write write) {
  ::testing::internal::CaptureStderr();
  write();
  return ::testing::internal::GetCapturedStderr();
}

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override { InitLog("testing"); }
  void TearDown() override {
    SetLogLevel(LogLevel::kInfo);
    SetLogFormat(LogFormat::kText);
  }
};

TEST_F(LogTest, ATextLineHasTimeLevelProcessEventAndFields) {
  const std::string line =
      Said([] { Log(LogLevel::kInfo, "child died", {{"pid", 12}, {"why", "signal 9"}}); });
  EXPECT_THAT(line, MatchesRegex("....-..-..T..:..:..\\....Z info process=testing\\[[0-9]+\\] "
                                 "event=\"child died\" pid=12 why=\"signal 9\"\n"));
}

TEST_F(LogTest, AJsonLineIsOneObjectWhateverTheValues) {
  SetLogFormat(LogFormat::kJson);
  const std::string line =
      Said([] { Log(LogLevel::kError, "child died", {{"why", "a \"quote\",\nand \\ more\x01"}}); });
  EXPECT_THAT(line, AllOf(HasSubstr("\"level\":\"error\""), HasSubstr("\"event\":\"child died\""),
                          HasSubstr(R"("why":"a \"quote\",?and \\ more?"})")));
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

TEST_F(LogTest, AValueCannotForgeALineOrAField) {
  const std::string line = Said([] {
    Log(LogLevel::kInfo, "child died", {{"why", "x\n2026-01-01T00:00:00.000Z error event=forged"}});
  });
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_THAT(line, HasSubstr("why=\"x?2026"));
}

TEST_F(LogTest, TheLevelCanBeChangedWhileTheProcessRuns) {
  EXPECT_EQ(Said([] { Log(LogLevel::kDebug, "quiet"); }), "");
  SetLogLevel(LogLevel::kDebug);
  EXPECT_THAT(Said([] { Log(LogLevel::kDebug, "loud"); }), HasSubstr("debug"));
  SetLogLevel(LogLevel::kError);
  EXPECT_EQ(Said([] { Log(LogLevel::kWarning, "quiet"); }), "");
}

TEST_F(LogTest, AnErrorsCodeMessageAndDetailAreFields) {
  const Error error{ErrorCode::kNotFound, "no such model", "model", "asked twice"};
  EXPECT_THAT(Said([&] { LogError("model not loaded", error); }),
              AllOf(HasSubstr("error"), HasSubstr("code=not_found"),
                    HasSubstr("message=\"no such model\""), HasSubstr("detail=\"asked twice\"")));
}

TEST_F(LogTest, AChildTakesItsSettingsFromTheEnvironment) {
  SetLogLevel(LogLevel::kError);
  SetLogFormat(LogFormat::kJson);
  const std::string variable = LogEnvironment();
  EXPECT_EQ(variable, "CASEMATE_LOG=error,json");
  SetLogFormat(LogFormat::kText);
  ASSERT_EQ(::setenv("CASEMATE_LOG", variable.substr(variable.find('=') + 1).c_str(), 1), 0);
  InitLog("child", LogLevel::kDebug);
  ::unsetenv("CASEMATE_LOG");
  EXPECT_EQ(Said([] { Log(LogLevel::kWarning, "quiet"); }), "");
  EXPECT_THAT(Said([] { Log(LogLevel::kError, "loud"); }), HasSubstr("\"process\":\"child\""));
}

}  // namespace
}  // namespace casemate
