#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/error.h"

// Operational log: one line of `key=value` fields to stderr. It takes names, numbers and ids only.
// There is no format string and no conversion from Plaintext, PlaintextView, KeyView or
// SecretBuffer (secmem/), so writing one to a log does not compile. Threads: all functions may run
// at any time.
namespace casemate {

enum class LogLevel : unsigned char { kDebug, kInfo, kWarning, kError };

class LogField {
 public:
  LogField(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  LogField(std::string_view key, const char* value) : key_(key), value_(value) {}
  LogField(std::string_view key, std::integral auto value)
      : key_(key), value_(std::to_string(value)) {}
  LogField(std::string_view key, ErrorCode code) : key_(key), value_(ErrorCodeName(code)) {}

  const std::string& key() const { return key_; }
  const std::string& value() const { return value_; }

 private:
  std::string key_;
  std::string value_;
};

// Sets the name that stands in every line ("front", "keeper") and the lowest level written. Call
// once, before other threads start.
void InitLog(std::string_view process, LogLevel lowest = LogLevel::kInfo);

// `event` is a fixed phrase of the code ("child died"), never built from input.
void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
// Adds the error's code, message and detail.
void LogError(std::string_view event, const Error& error,
              std::initializer_list<LogField> fields = {});

}  // namespace casemate
