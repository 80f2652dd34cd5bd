#pragma once

#include <cstdint>
#include <string_view>

#include "api/exchange.h"
#include "api/response_object.h"
#include "base/error.h"
#include "json/writer.h"

namespace casemate::api {

// The typed events of one streamed response, in OpenAI's order, numbered. Threads: one at a time.
class ResponseEvents {
 public:
  ResponseEvents(Exchange& exchange, const ResponseState& state)
      : exchange_(exchange), state_(state) {}

  // response.created, response.in_progress; the search's events, when there was one.
  [[nodiscard]] Result<void> Start();
  // The message's item, which is the last of the state's items, and its content part.
  [[nodiscard]] Result<void> OpenMessage();
  [[nodiscard]] Result<void> Text(PlaintextView delta, const Logprobs& logprobs);
  // All events of a call, whose item is the last of the state's items.
  [[nodiscard]] Result<void> Call(std::size_t call);
  // The message's annotations and done events, where there is one; response.completed or
  // response.incomplete.
  [[nodiscard]] Result<void> Finish();
  [[nodiscard]] Result<void> Failed();

 private:
  [[nodiscard]] Result<void> Send(std::string_view type, const auto& write_rest);
  [[nodiscard]] Result<void> SendResponse(std::string_view type, std::string_view status);
  [[nodiscard]] Result<void> SendSearch();
  [[nodiscard]] Result<void> FinishMessage();
  // Of an item among all of the output.
  std::int64_t IndexOf(std::size_t item) const;

  Exchange& exchange_;
  const ResponseState& state_;
  std::int64_t sequence_ = 0;
};

}  // namespace casemate::api
