#pragma once

#include <string>

#include "base/log.h"

// What of the operational log can be changed while a process runs. Threads: at any time.
namespace casemate {

enum class LogFormat : unsigned char {
  kText,  // 2026-01-31T12:00:00.000Z info process=front[12] event="child died" status="..."
  kJson,  // {"time": ..., "level": ..., "process": ..., "pid": 12, "event": ..., fields as strings}
};

void SetLogLevel(LogLevel lowest);
void SetLogFormat(LogFormat format);

// "CASEMATE_LOG=info,text": the settings in force, as an environment variable that InitLog of a
// process started with it takes instead of its argument.
std::string LogEnvironment();

}  // namespace casemate
