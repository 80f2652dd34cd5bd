#include "inference/room/quote_constraint.h"

#include <algorithm>
#include <array>
#include <string>

#include "inference/room/utf8.h"

namespace casemate::inference {
namespace {

constexpr char kMark = '"';

// The double quotation marks of Unicode that a reader could take for ours, as the low bytes of
// their UTF-8 form.
constexpr std::array<std::uint32_t, 18> kOtherMarks = {
    0xC2AB,   0xC2BB,                        // U+00AB, U+00BB
    0xE2809C, 0xE2809D, 0xE2809E, 0xE2809F,  // U+201C to U+201F
    0xE280B3, 0xE280B6,                      // double primes
    0xE28098, 0xE2809B,                      // single ones that open
    0xE3808C, 0xE3808D, 0xE3808E, 0xE3808F,  // U+300C to U+300F
    0xE3809D, 0xE3809E, 0xE3809F,            // U+301D to U+301F
    0xEFBC82};                               // U+FF02

bool CompletesOtherMark(std::uint32_t recent) {
  return std::ranges::any_of(kOtherMarks, [recent](std::uint32_t mark) {
    return mark <= 0xFFFF ? (recent & 0xFFFF) == mark : (recent & 0xFFFFFF) == mark;
  });
}

bool IsSpace(unsigned char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }
bool IsWord(unsigned char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9');
}
bool IsContinuation(unsigned char byte) { return (byte & 0xC0U) == 0x80U; }

// Between `before` and `after`, neighbours in a text, a span may begin or end: not within a
// character and not within a word of ASCII letters and digits.
bool IsEdge(unsigned char before, unsigned char after) {
  return !IsContinuation(after) && !(IsWord(before) && IsWord(after));
}

// How much of `text` a span that begins with it can hold: to the next mark, to a character's end,
// without whitespace at the end.
std::size_t SpanLimit(std::string_view text) {
  std::size_t limit = std::min({text.find(kMark), text.size(), 2 * kMaxQuoteBytes});
  while (limit > 0 &&
         ((limit < text.size() && IsContinuation(static_cast<unsigned char>(text[limit]))) ||
          IsSpace(static_cast<unsigned char>(text[limit - 1])))) {
    --limit;
  }
  return limit;
}

}  // namespace

unsigned char QuoteConstraint::ByteAt(const Start& start, std::uint32_t index) const {
  return static_cast<unsigned char>(text_.view().Reveal()[start.offset + index]);
}

void QuoteConstraint::AddPassage(std::string_view passage) {
  const auto offset = static_cast<std::uint32_t>(text_.size());
  text_.Append(PlaintextView::Of(passage));
  for (std::size_t i = 0; i < passage.size(); ++i) {
    const auto byte = static_cast<unsigned char>(passage[i]);
    const auto before = static_cast<unsigned char>(i == 0 ? ' ' : passage[i - 1]);
    if (IsSpace(byte) || !IsEdge(before, byte)) {
      continue;
    }
    if (const std::size_t limit = SpanLimit(passage.substr(i)); limit > 0) {
      starts_.push_back({.offset = offset + static_cast<std::uint32_t>(i),
                         .length = static_cast<std::uint32_t>(limit),
                         .passage = passages_});
    }
  }
  ++passages_;
}

Result<QuoteConstraint> QuoteConstraint::Create(const std::vector<Plaintext>& passages,
                                                bool quotes_only) {
  const auto refuse = [](ErrorCode code, std::string why) {
    return std::unexpected(
        Error{.code = code, .message = std::move(why), .param = "passages", .detail = {}});
  };
  if (passages.empty() || passages.size() > kMaxPassages) {
    return refuse(ErrorCode::kInvalidArgument, std::to_string(passages.size()) +
                                                   " passages to quote from, expected 1 to " +
                                                   std::to_string(kMaxPassages));
  }
  std::size_t bytes = 0;
  for (const Plaintext& passage : passages) {
    bytes += passage.size();
  }
  if (bytes > kMaxPassageBytes) {
    return refuse(ErrorCode::kTooLarge, "passages of " + std::to_string(bytes) +
                                            " bytes to quote from, the limit is " +
                                            std::to_string(kMaxPassageBytes));
  }
  QuoteConstraint made;
  made.quotes_only_ = quotes_only;
  made.text_.Reserve(bytes);
  for (const Plaintext& passage : passages) {
    if (!IsUtf8(passage.view().Reveal())) {
      return refuse(ErrorCode::kInvalidArgument, "a passage to quote from is not UTF-8");
    }
    made.AddPassage(passage.view().Reveal());
  }
  if (made.starts_.empty()) {
    return refuse(ErrorCode::kInvalidArgument, "the passages hold nothing to quote");
  }
  const std::string_view text = made.text_.view().Reveal();
  const auto what_follows = [text](const Start& start) {
    return text.substr(start.offset, start.length);
  };
  std::ranges::sort(made.starts_, [&](const Start& a, const Start& b) {
    return what_follows(a) < what_follows(b);
  });
  return made;
}

bool QuoteConstraint::MayClose(const State& state, bool closing) const {
  if (state.length == 0) {
    return false;
  }
  return std::any_of(
      starts_.begin() + state.first, starts_.begin() + state.last, [&](const Start& start) {
        if (start.length == state.length) {
          return true;  // nothing more can be quoted from there
        }
        const unsigned char last = ByteAt(start, state.length - 1);
        const unsigned char next = ByteAt(start, state.length);
        return closing ? !IsContinuation(next)
                       : state.length >= kMinQuoteBytes && !IsSpace(last) && IsEdge(last, next);
      });
}

bool QuoteConstraint::OpenQuote(State& state, bool closing) const {
  if (closing) {
    return false;
  }
  state = State{.place = Place::kQuote,
                .begun = state.begun,
                .last = static_cast<std::uint32_t>(starts_.size())};
  return true;
}

bool QuoteConstraint::StepFree(State& state, unsigned char byte, bool closing) const {
  if (byte == kMark) {
    return OpenQuote(state, closing && !(quotes_only_ && !state.begun));
  }
  state.recent = state.recent << 8U | byte;
  return !quotes_only_ && !CompletesOtherMark(state.recent);
}

bool QuoteConstraint::StepQuote(State& state, unsigned char byte, bool closing) const {
  if (byte == kMark) {
    if (!MayClose(state, closing)) {
      return false;
    }
    state.place = Place::kAfterQuote;
    return true;
  }
  const bool long_enough = state.length >= kMaxQuoteBytes || (closing && state.length > 0);
  if (long_enough && MayClose(state, closing)) {
    return false;
  }
  const std::uint32_t index = state.length;
  const auto begin = starts_.begin() + state.first;
  const auto end = starts_.begin() + state.last;
  // Those that end here come first, then the rest by their next byte.
  const auto low = std::partition_point(begin, end, [&](const Start& start) {
    return start.length <= index || ByteAt(start, index) < byte;
  });
  const auto high = std::partition_point(
      low, end, [&](const Start& start) { return ByteAt(start, index) == byte; });
  if (low == high) {
    return false;
  }
  state.first = static_cast<std::uint32_t>(low - starts_.begin());
  state.last = static_cast<std::uint32_t>(high - starts_.begin());
  ++state.length;
  return true;
}

bool QuoteConstraint::Holds(std::uint32_t passage, const State& state) const {
  return std::any_of(starts_.begin() + state.first, starts_.begin() + state.last,
                     [passage](const Start& start) { return start.passage == passage; });
}

std::uint32_t QuoteConstraint::FirstPassage(const State& state) const {
  std::uint32_t first = passages_;
  for (std::uint32_t i = state.first; i < state.last; ++i) {
    first = std::min(first, starts_[i].passage);
  }
  return first + 1;
}

bool QuoteConstraint::StepNumber(State& state, unsigned char byte) const {
  if (byte == ']') {
    if (state.digits == 0 || state.number > passages_ || !Holds(state.number - 1, state)) {
      return false;
    }
    state.place = Place::kCited;
    state.begun = true;
    return true;
  }
  if (byte < '0' || byte > '9' || (state.digits == 0 && byte == '0')) {
    return false;
  }
  state.number = state.number * 10 + (byte - '0');
  ++state.digits;
  // A number that can still become that of a passage with the span.
  std::uint32_t low = state.number;
  std::uint32_t high = state.number;
  while (low <= passages_) {
    for (std::uint32_t number = low; number <= std::min(high, passages_); ++number) {
      if (Holds(number - 1, state)) {
        return true;
      }
    }
    low *= 10;
    high = high * 10 + 9;
  }
  return false;
}

bool QuoteConstraint::Step(State& state, unsigned char byte, bool closing) const {
  switch (state.place) {
    case Place::kFree:
      return StepFree(state, byte, closing);
    case Place::kQuote:
      return StepQuote(state, byte, closing);
    case Place::kAfterQuote:
      state.place = Place::kBeforeNumber;
      return byte == ' ';
    case Place::kNumber:
      return StepNumber(state, byte);
    case Place::kBeforeNumber:
    case Place::kCited:
    case Place::kCitedSpace:
      break;
  }
  if (byte == '[') {
    if (closing && state.place != Place::kBeforeNumber) {
      return false;
    }
    state.place = Place::kNumber;
    state.number = 0;
    state.digits = 0;
    return true;
  }
  if (state.place == Place::kBeforeNumber) {
    return false;
  }
  if (byte == ' ' && state.place == Place::kCited) {
    state.place = Place::kCitedSpace;
    return !(closing && quotes_only_);
  }
  if (quotes_only_) {
    return byte == kMark && state.place == Place::kCitedSpace && OpenQuote(state, closing);
  }
  state = State{.begun = true};
  return StepFree(state, byte, closing);
}

bool QuoteConstraint::Advance(State& state, std::string_view bytes, bool closing) const {
  return std::ranges::all_of(
      bytes, [&](char byte) { return Step(state, static_cast<unsigned char>(byte), closing); });
}

bool QuoteConstraint::MayEnd(const State& state) const {
  switch (state.place) {
    case Place::kFree:
      return !quotes_only_ || state.begun;
    case Place::kCited:
    case Place::kCitedSpace:
      return true;
    default:
      return false;
  }
}

}  // namespace casemate::inference
