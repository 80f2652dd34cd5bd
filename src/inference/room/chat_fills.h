#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::inference {

// What a chat template is not shown: it gets markers of random letters instead, and what stands
// behind them is put in after it has run. Threads: one at a time.
class ChatFills {
 public:
  enum class Kind {
    kContent,  // a message's: as it is, and the template must not leave it out
    kString,   // a text of a tool's definition: JSON-escaped where quotation marks are around it
    kJson,     // the arguments of a tool call: JSON, in place of quotation marks around it
  };

  ChatFills();  // draws the marker

  // The marker for `text`. `message` is its message's number, for errors.
  std::string Add(PlaintextView text, Kind kind, std::size_t message = 0);

  // A stretch of the prompt: text of the template, then a fill (kNone: nothing follows).
  struct Piece {
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    std::string text;
    std::size_t fill = kNone;  // in order of Add
    bool quoted = false;
  };
  // Cuts what the template made at the markers. Errors: kInvalidArgument: a content is missing, or
  // a marker was changed.
  [[nodiscard]] Result<std::vector<Piece>> Cut(std::string_view rendered) const;
  // What `piece`'s fill is there. Only with a fill.
  Plaintext TextOf(const Piece& piece) const;

 private:
  struct Fill {
    Plaintext text;
    Kind kind;
    std::size_t message;
  };
  std::string base_;
  std::vector<Fill> fills_;
};

}  // namespace casemate::inference
