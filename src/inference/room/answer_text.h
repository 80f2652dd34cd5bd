#pragma once

#include <optional>
#include <vector>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::inference {

inline constexpr std::size_t kMaxStops = 4;
inline constexpr std::size_t kMaxStopBytes = 256;

// Turns the bytes of tokens into what may be sent: whole UTF-8 characters (what cannot become one
// is replaced by U+FFFD), nothing from a stop string on, and nothing that could still become the
// beginning of one. Threads: one at a time.
class AnswerText {
 public:
  // Errors: kInvalidArgument: more than kMaxStops, an empty or over-long one, not UTF-8.
  [[nodiscard]] static Result<AnswerText> Create(const std::vector<Plaintext>& stops);

  // Takes the bytes of the next token; returns what may be sent now, maybe nothing.
  Plaintext Append(PlaintextView piece);
  // A stop string was found; later bytes are dropped.
  bool stopped() const { return stopped_; }
  // The answer is over: what was held back.
  Plaintext Finish();

 private:
  AnswerText() = default;
  void MoveWholeCharacters(bool at_end);
  std::size_t SendableBytes() const;
  Plaintext TakeFront(std::size_t size);

  std::vector<Plaintext> stops_;
  Plaintext raw_;   // bytes that are no whole character yet, at most 3 between calls
  Plaintext held_;  // whole characters, not sent yet
  bool stopped_ = false;
};

}  // namespace casemate::inference
