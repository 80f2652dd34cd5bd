#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

#include "secmem/plaintext.h"

namespace casemate::inference {

inline constexpr std::size_t kMaxDraft = 8;  // tokens proposed at once

// Prompt lookup (Saxena, 2023): what followed the last time that the answer's last tokens stood in
// the prompt or the answer is proposed to follow again. Answers that quote their prompt are full of
// that. At most `count` tokens, none when the last three (or, failing that, two) stand nowhere
// else.
TokenBuffer LookUpDraft(std::span<const std::int32_t> prompt, std::span<const std::int32_t> answer,
                        std::size_t count);

// Decides how many tokens to draft, from what steps cost on this machine and how many drafted
// tokens were right. Where a step costs as much per token as a small model's does, a draft that is
// wrong once is a loss and none is proposed. Threads: one at a time.
class DraftLength {
 public:
  // For one answer among `streams` that a step decodes.
  std::size_t Choose(std::size_t streams);
  // A step of `tokens` tokens, decodes and drafts only, took `micros`.
  void NoteStep(std::size_t tokens, double micros);
  void NoteDraft(std::size_t drafted, std::size_t accepted);

 private:
  double Cost(std::size_t tokens) const;  // micros; 0: not known

  std::map<std::size_t, double> micros_;  // by tokens of a step, averaged over the last ones
  double accepted_ = 0.8;                 // share of drafted tokens, averaged likewise
  std::size_t asked_ = 0;
};

}  // namespace casemate::inference
