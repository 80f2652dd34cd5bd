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

  // response.created, response.in_progress; the search's events, when there was one; then the
  // message's item and content part.
  [[nodiscard]] Result<void> Start();
  [[nodiscard]] Result<void> Text(PlaintextView delta);
  // Annotations, the done events, response.completed or response.incomplete.
  [[nodiscard]] Result<void> Finish();
  [[nodiscard]] Result<void> Failed();

 private:
  [[nodiscard]] Result<void> Send(std::string_view type, const auto& write_rest);
  [[nodiscard]] Result<void> SendResponse(std::string_view type, std::string_view status);
  [[nodiscard]] Result<void> SendSearch();
  std::int64_t message_index() const { return state_.searched ? 1 : 0; }

  Exchange& exchange_;
  const ResponseState& state_;
  std::int64_t sequence_ = 0;
};

}  // namespace casemate::api
