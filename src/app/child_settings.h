#pragma once

#include "base/log_settings.h"
#include "ipc/channel.h"
#include "ipc/supervision.h"

namespace casemate::app {

// A notice of the supervisor: takes the log's part of Settings, does nothing with anything else.
inline void TakeLogSettings(const ipc::Frame& frame) {
  if (frame.type != ipc::Settings::kType) {
    return;
  }
  if (Result<ipc::Settings> settings = ipc::Decode<ipc::Settings>(frame.payload)) {
    SetLogLevel(settings->log_level);
    SetLogFormat(settings->log_json ? LogFormat::kJson : LogFormat::kText);
  }
}

}  // namespace casemate::app
