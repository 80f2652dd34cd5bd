#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "base/log_settings.h"

namespace casemate {
namespace {

constexpr const char* kVariable = "CASEMATE_LOG";
constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

std::atomic<LogFormat> format = LogFormat::kText;
std::atomic<LogLevel> lowest_level = LogLevel::kInfo;

std::string& ProcessName() {
  static std::string name = "casemate";
  return name;
}

// Lines come to it whole.
const std::shared_ptr<spdlog::logger>& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = spdlog::stderr_logger_mt("casemate");
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return logger;
}

std::string Now() {
  std::timespec now{};
  std::timespec_get(&now, TIME_UTC);
  std::tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  std::array<char, 32> day{};
  const std::size_t size = std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 8> rest{};
  const int more = std::snprintf(rest.data(), rest.size(), ".%03uZ",
                                 static_cast<unsigned>(now.tv_nsec / 1'000'000) % 1000);
  return std::string(day.data(), size) + std::string(rest.data(), static_cast<std::size_t>(more));
}

// In quotes, with everything that is not printable ASCII as a question mark: one line is one event,
// no value can forge a field, and the same text is right in JSON (RFC 8259, section 7).
void AppendQuoted(std::string& line, std::string_view value) {
  line += '"';
  for (char c : value) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else {
      line += c >= ' ' && c < 127 ? c : '?';
    }
  }
  line += '"';
}

void AppendValue(std::string& line, std::string_view value) {
  bool plain = !value.empty();
  for (char c : value) {
    plain = plain && c > ' ' && c < 127 && c != '"' && c != '=' && c != '\\';
  }
  if (plain) {
    line += value;
  } else {
    AppendQuoted(line, value);
  }
}

// One event as it is written, in the format that was in force when it began.
class Line {
 public:
  Line(LogLevel level, std::string_view event) : json_(format == LogFormat::kJson) {
    const std::string_view name = kLevelNames[static_cast<std::size_t>(level)];
    const std::string pid = std::to_string(::getpid());
    if (json_) {
      text_ = "{\"time\":\"" + Now() + "\",\"level\":\"" + std::string(name) + "\",\"process\":\"" +
              ProcessName() + "\",\"pid\":" + pid;
    } else {
      text_ = Now() + " " + std::string(name) + " process=" + ProcessName() + "[" + pid + "]";
    }
    Add("event", event);
  }
  void Add(std::string_view key, std::string_view value) {
    if (json_) {
      text_ += ",\"" + std::string(key) + "\":";
      AppendQuoted(text_, value);
    } else {
      text_ += ' ';
      text_ += key;
      text_ += '=';
      AppendValue(text_, value);
    }
  }
  void Write() {
    if (json_) {
      text_ += '}';
    }
    Logger()->log(spdlog::level::info, spdlog::string_view_t(text_.data(), text_.size()));
  }

 private:
  bool json_;
  std::string text_;
};

// "info,json", from whoever started this process.
void TakeEnvironment(LogLevel& lowest) {
  const char* value = std::getenv(kVariable);
  if (value == nullptr) {
    return;
  }
  const std::string_view text(value);
  const std::string_view level = text.substr(0, text.find(','));
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (level == kLevelNames[i]) {
      lowest = static_cast<LogLevel>(i);
    }
  }
  format = text.ends_with(",json") ? LogFormat::kJson : LogFormat::kText;
}

}  // namespace

void InitLog(std::string_view process, LogLevel lowest) {
  ProcessName() = std::string(process);
  TakeEnvironment(lowest);
  lowest_level = lowest;
  (void)Logger();
}

void SetLogLevel(LogLevel lowest) { lowest_level = lowest; }
void SetLogFormat(LogFormat wanted) { format = wanted; }

std::string LogEnvironment() {
  return std::string(kVariable) + "=" +
         std::string(kLevelNames[static_cast<std::size_t>(lowest_level.load())]) +
         (format == LogFormat::kJson ? ",json" : ",text");
}

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level < lowest_level.load()) {
    return;
  }
  Line line(level, event);
  for (const LogField& field : fields) {
    line.Add(field.key(), field.value());
  }
  line.Write();
}

void LogError(std::string_view event, const Error& error, std::initializer_list<LogField> fields) {
  Line line(LogLevel::kError, event);
  for (const LogField& field : fields) {
    line.Add(field.key(), field.value());
  }
  line.Add("code", ErrorCodeName(error.code));
  line.Add("message", error.message);
  if (!error.detail.empty()) {
    line.Add("detail", error.detail);
  }
  line.Write();
}

}  // namespace casemate
