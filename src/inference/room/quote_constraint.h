#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::inference {

inline constexpr std::size_t kMaxPassages = 64;
inline constexpr std::size_t kMaxPassageBytes = std::size_t{256} << 10;  // all together
inline constexpr std::size_t kMinQuoteBytes = 8;     // unless the passage has no more to give
inline constexpr std::size_t kMaxQuoteBytes = 1024;  // then the next word's end closes it

// Verbatim quoting, byte by byte: an automaton that an answer runs through and that lets no byte
// pass by which a quotation would differ from its source. The rules, which docs/formats/grammar.md
// states for the reader of an answer:
//   - Between two quotation marks ("), and only there, stands a span of a passage, byte for byte,
//     whitespace included. It begins and ends at a word's edge and not with whitespace, and holds
//     no quotation mark.
//   - After the second mark comes ` [n]`, n the number of a passage (from 1) that holds the span;
//     further `[n]` that follow at once are numbers of such passages too.
//   - Other double quotation marks of Unicode stand nowhere outside a span.
//   - With `quotes_only` an answer is such quotations, at least one, with a space between two.
// Immutable; a State is one answer's place. Threads: const members may run at the same time.
class QuoteConstraint {
 public:
  // Errors: kInvalidArgument, param "passages": none or too many, not UTF-8, nothing in them that
  // could be quoted; kTooLarge.
  [[nodiscard]] static Result<QuoteConstraint> Create(const std::vector<Plaintext>& passages,
                                                      bool quotes_only);

  enum class Place : std::uint8_t {
    kFree,          // the answer's own words
    kQuote,         // between the marks
    kAfterQuote,    // the second mark has come: a space
    kBeforeNumber,  // a bracket
    kNumber,        // digits, the closing bracket
    kCited,         // the bracket is closed
    kCitedSpace,    // and a space came
  };
  struct State {
    Place place = Place::kFree;
    bool begun = false;        // with quotes_only: a quotation is complete
    std::uint8_t digits = 0;   // of the number
    std::uint32_t number = 0;  // so far
    std::uint32_t first = 0;   // the span's places: starts_[first, last)
    std::uint32_t last = 0;
    std::uint32_t length = 0;  // of the span so far, bytes
    std::uint32_t recent = 0;  // the last three bytes of the answer's own words
  };

  // Takes `bytes` into the answer. False: they may not come; then `state` is meaningless.
  // `closing`: the answer has room for little more, so no quotation begins, and one that has begun
  // ends at the next character's end.
  bool Advance(State& state, std::string_view bytes, bool closing) const;
  // Whether the answer may end here.
  bool MayEnd(const State& state) const;
  // Whether the span may be closed here; only in kQuote.
  bool MayClose(const State& state, bool closing) const;
  // The lowest number of a passage that holds the span; in and after kQuote.
  std::uint32_t FirstPassage(const State& state) const;
  bool quotes_only() const { return quotes_only_; }

 private:
  // A place where a span may begin.
  struct Start {
    std::uint32_t offset = 0;  // in text_
    std::uint32_t length = 0;  // most bytes of a span that begins here
    std::uint32_t passage = 0;
  };
  QuoteConstraint() = default;
  void AddPassage(std::string_view passage);
  bool Step(State& state, unsigned char byte, bool closing) const;
  bool StepFree(State& state, unsigned char byte, bool closing) const;
  bool StepQuote(State& state, unsigned char byte, bool closing) const;
  bool StepNumber(State& state, unsigned char byte) const;
  bool OpenQuote(State& state, bool closing) const;
  bool Holds(std::uint32_t passage, const State& state) const;
  unsigned char ByteAt(const Start& start, std::uint32_t index) const;

  Plaintext text_;             // the passages, one after the other
  std::vector<Start> starts_;  // sorted by what follows, so that a span's places are neighbours
  std::uint32_t passages_ = 0;
  bool quotes_only_ = false;
};

}  // namespace casemate::inference
