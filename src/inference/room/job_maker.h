#pragma once

#include <memory>

#include "base/error.h"
#include "inference/messages.h"
#include "inference/room/chat_template.h"
#include "inference/room/job.h"
#include "inference/room/llama_model.h"

namespace casemate::inference {

// Checks a request and makes what the engine needs of it: the prompt's tokens, and a sampler, a
// rule and a text for each choice. `model` must outlive the job. Errors: as Generator::Generate.
[[nodiscard]] Result<std::shared_ptr<Job>> MakeJob(const Generate& request,
                                                   const ChatTemplate& chat,
                                                   const LlamaModel& model,
                                                   std::uint32_t context_tokens);

}  // namespace casemate::inference
