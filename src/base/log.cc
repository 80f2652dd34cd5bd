#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace casemate {
namespace {

std::shared_ptr<spdlog::logger>& Logger() {
  static std::shared_ptr<spdlog::logger> logger = [] {
    auto made = spdlog::stderr_logger_mt("casemate");
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l process=%n[%P] %v", spdlog::pattern_time_type::utc);
    return made;
  }();
  return logger;
}

spdlog::level::level_enum Level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// A value with a space, quote or control character is quoted, so that one line is one event and no
// value can forge a field.
void AppendValue(std::string& line, std::string_view value) {
  bool plain = !value.empty();
  for (char c : value) {
    plain = plain && c > ' ' && c < 127 && c != '"' && c != '=' && c != '\\';
  }
  if (plain) {
    line += value;
    return;
  }
  line += '"';
  for (char c : value) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c >= ' ' && c < 127) {
      line += c;
    } else {
      line += '?';
    }
  }
  line += '"';
}

void Append(std::string& line, const LogField& field) {
  line += ' ';
  line += field.key();
  line += '=';
  AppendValue(line, field.value());
}

void Write(LogLevel level, const std::string& line) {
  Logger()->log(Level(level), spdlog::string_view_t(line.data(), line.size()));
  if (level >= LogLevel::kWarning) {
    Logger()->flush();
  }
}

std::string Line(std::string_view event, std::initializer_list<LogField> fields) {
  std::string line = "event=";
  AppendValue(line, event);
  for (const LogField& field : fields) {
    Append(line, field);
  }
  return line;
}

}  // namespace

void InitLog(std::string_view process, LogLevel lowest) {
  auto made = Logger()->clone(std::string(process));
  made->set_level(Level(lowest));
  made->flush_on(spdlog::level::info);
  Logger() = std::move(made);
}

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  Write(level, Line(event, fields));
}

void LogError(std::string_view event, const Error& error, std::initializer_list<LogField> fields) {
  std::string line = Line(event, fields);
  Append(line, LogField("code", error.code));
  Append(line, LogField("message", error.message));
  if (!error.detail.empty()) {
    Append(line, LogField("detail", error.detail));
  }
  Write(LogLevel::kError, line);
}

}  // namespace casemate
