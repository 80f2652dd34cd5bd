#pragma once

#include <string>

#include "base/error.h"

namespace casemate::inference {

// Makes libllama ready: its log to ours (warnings and worse, without its text, which can quote
// input), no back-traces, and the compute backends loaded from their files. Call once, before the
// sandbox closes the files and before other threads start: it changes the environment. How long
// OpenMP's threads wait awake is the parent's to say (GOMP_SPINCOUNT): libggml brings libgomp in
// before main begins.
// `cpu_backend` names one backend file instead of the best for this processor (for results that are
// the same on every machine); empty: the best.
// Errors: kUnavailable: no compute backend could be loaded.
[[nodiscard]] Result<void> LoadBackends(const std::string& cpu_backend = {});

// While it lives, what the library reports as an error on this thread is no news.
class ExpectedError {
 public:
  ExpectedError();
  ~ExpectedError();
  ExpectedError(const ExpectedError&) = delete;
  ExpectedError& operator=(const ExpectedError&) = delete;
};

}  // namespace casemate::inference
