#pragma once

#include <string>

#include "base/error.h"

namespace casemate::inference {

// Makes libllama ready: its log to ours (warnings and worse, without its text, which can quote
// input), no back-traces, OpenMP threads that sleep between steps, and the compute backends loaded
// from their files. Call once, before the sandbox closes the files and before other threads start:
// it changes the environment, which libgomp reads when the CPU backend brings it in. Children that
// link libgomp directly would need OMP_WAIT_POLICY=passive and GOMP_SPINCOUNT=0 from their parent.
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
