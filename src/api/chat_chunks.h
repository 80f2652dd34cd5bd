#pragma once

#include <cstdint>
#include <string_view>

#include "api/chat_object.h"
#include "api/exchange.h"
#include "base/error.h"

namespace casemate::api {

// The chunks of one streamed chat completion. Threads: one at a time. Errors: as
// Exchange::SendEvent.
class ChatChunks {
 public:
  ChatChunks(Exchange& exchange, const Completion& completion, bool include_usage, bool logprobs)
      : exchange_(exchange),
        completion_(completion),
        include_usage_(include_usage),
        logprobs_(logprobs) {}

  // The beginning of a choice.
  [[nodiscard]] Result<void> Role(std::uint32_t choice);
  [[nodiscard]] Result<void> Text(std::uint32_t choice, PlaintextView text,
                                  const Logprobs& logprobs);
  // `index`: the call's place in its choice.
  [[nodiscard]] Result<void> Call(std::uint32_t choice, const ToolCall& call, std::int64_t index,
                                  const Logprobs& logprobs);
  // The end of a choice.
  [[nodiscard]] Result<void> Finish(std::uint32_t choice, const ChatChoice& whole,
                                    const Logprobs& logprobs);
  // The end of all: usage, where it was asked for, and [DONE].
  [[nodiscard]] Result<void> Done(const inference::GenerateDone& done);

 private:
  [[nodiscard]] Result<void> Send(std::uint32_t choice, const auto& write_delta,
                                  const Logprobs& logprobs, std::string_view finish = {});

  Exchange& exchange_;
  const Completion& completion_;
  bool include_usage_;
  bool logprobs_;
};

}  // namespace casemate::api
