#include "inference/room/llama_backend.h"

#include <cstdlib>

#include "base/log.h"
#include "ggml-backend.h"
#include "llama.h"

namespace casemate::inference {
namespace {

thread_local bool error_expected = false;

// Its lines can hold parts of a model file or a template: only that there was one is told.
void OnLibraryLog(ggml_log_level level, const char* text, void*) {
  (void)text;
  if (level == GGML_LOG_LEVEL_WARN) {
    Log(LogLevel::kDebug, "libllama warned");
  } else if (level == GGML_LOG_LEVEL_ERROR && !error_expected) {
    Log(LogLevel::kWarning, "libllama reported an error");
  }
}

}  // namespace

ExpectedError::ExpectedError() { error_expected = true; }
ExpectedError::~ExpectedError() { error_expected = false; }

Result<void> LoadBackends(const std::string& cpu_backend) {
  ::setenv("GGML_NO_BACKTRACE", "1", 1);  // its back-trace starts a debugger on this process
  ::llama_log_set(OnLibraryLog, nullptr);
  ::ggml_log_set(OnLibraryLog, nullptr);
  if (cpu_backend.empty()) {
    ::ggml_backend_load_all();
  } else if (::ggml_backend_load(cpu_backend.c_str()) == nullptr) {
    return Fail(ErrorCode::kUnavailable, "the compute backend cannot be loaded", cpu_backend);
  }
  if (::ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU) == nullptr) {
    return Fail(ErrorCode::kUnavailable, "no compute backend found");
  }
  ::llama_backend_init();
  return {};
}

}  // namespace casemate::inference
