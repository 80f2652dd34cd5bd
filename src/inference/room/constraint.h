#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::inference {

// A rule that one answer obeys from its first token to its last. TokenSampler asks it about the
// token that it drew and, only when that one is refused, for all of them: looking at a whole
// vocabulary costs more than computing a token of a small model. Threads: one at a time.
class Constraint {
 public:
  virtual ~Constraint() = default;

  // Before each draw: how many more tokens the answer may have, that one included.
  virtual void SetRemaining(std::uint32_t tokens) { (void)tokens; }
  // Whether `token` may come next.
  [[nodiscard]] virtual bool Allows(std::int32_t token) = 0;
  // Sets the logit of every token that may not come next to minus infinity. `refused` is what the
  // model wanted: a rule that leaves several ways may take the one that is meant by it.
  virtual void Mask(std::int32_t refused, std::span<float> logits) = 0;
  // `token`, which was allowed, has come. Errors: kInvalidArgument: the rule cannot be followed.
  [[nodiscard]] virtual Result<void> Accept(std::int32_t token) = 0;
  // What the answer gets for the token that came last, where that is not the token's own text.
  virtual std::optional<Plaintext> TakeText() { return std::nullopt; }
};

}  // namespace casemate::inference
