// An answer is parted into the same text and calls however it is cut: here, after the number of
// bytes that the first byte says.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/tool_calls.h"

namespace {

using namespace casemate;

std::string Parted(std::string_view answer, std::size_t piece) {
  api::ToolCallReader reader({"f", "g"});
  std::string out;  // the fuzzer's own bytes
  const auto take = [&](const std::vector<api::AnswerPart>& parts) {
    for (const api::AnswerPart& part : parts) {
      if (const auto* text = std::get_if<Plaintext>(&part)) {
        out += text->view().Reveal();
      } else {
        const auto& call = std::get<api::ToolCall>(part);
        out += "\1" + call.name + "\1" + std::string(call.arguments.view().Reveal()) + "\1";
      }
    }
  };
  for (std::size_t at = 0; at < answer.size(); at += piece) {
    take(reader.Feed(PlaintextView::Of(answer.substr(at, piece))));
  }
  take(reader.End());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::string_view answer(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = std::max<std::size_t>(1, data[0] % 32);
  if (Parted(answer, answer.size()) != Parted(answer, piece)) {
    std::abort();
  }
  return 0;
}
