#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/id.h"
#include "secmem/plaintext.h"

namespace casemate::api {

struct ToolCallTag {
  static constexpr std::string_view kPrefix = "call_";
};
using ToolCallId = Id<ToolCallTag>;

// What opens a call, by the family of the model:
//   <tool_call>{"name": "f", "arguments": {...}}</tool_call>          Hermes, Qwen and other ChatML
//   [TOOL_CALLS][{"name": "f", "arguments": {...}}, ...]              Mistral
inline constexpr std::string_view kHermesMark = "<tool_call>";
inline constexpr std::string_view kMistralMark = "[TOOL_CALLS]";
inline constexpr std::size_t kMaxCallBytes = std::size_t{256} * 1024;  // of one mark's calls

// One call that the model has made, whole.
struct ToolCall {
  std::string id;
  std::string name;
  Plaintext arguments;  // a JSON object
};

using AnswerPart = std::variant<Plaintext, ToolCall>;

// Parts an answer, as it comes, into text and calls of known functions. A call comes out once it
// is whole: half a call must not be carried out. What begins like a call and is none (cut, not
// JSON, an unknown function, arguments that are no object) stays text. White space next to a call
// is dropped. What comes out depends on the answer alone, not on how it was cut into pieces.
class ToolCallReader {
 public:
  explicit ToolCallReader(std::vector<std::string> functions) : functions_(std::move(functions)) {}

  std::vector<AnswerPart> Feed(PlaintextView piece);
  std::vector<AnswerPart> End();

 private:
  // Where the JSON value after a mark has been looked through.
  struct Scan {
    std::size_t at = 0;  // in pending_
    int depth = 0;
    bool in_string = false;
    bool escaped = false;
    bool whole = false;
  };
  enum class Found { kCalls, kNone, kUnknown };

  std::vector<AnswerPart> Go(bool ended);
  Found ReadCalls(std::size_t mark_at, bool ended, std::size_t& end,
                  std::vector<AnswerPart>& parts);
  bool TakeCalls(std::size_t begin, std::size_t end, bool list, std::vector<AnswerPart>& parts);
  void Emit(std::size_t size, std::vector<AnswerPart>& parts);
  void Drop(std::size_t size);

  std::vector<std::string> functions_;
  Plaintext pending_;
  Scan scan_;
  bool after_call_ = false;  // white space is dropped until text comes
};

}  // namespace casemate::api
