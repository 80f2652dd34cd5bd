#include "inference/room/answer_text.h"

#include <algorithm>
#include <string_view>

namespace casemate::inference {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// How a UTF-8 text begins (RFC 3629): `size` bytes are a character, or, when `complete` is false
// and `valid` is true, could become one with more bytes; an invalid start is to be skipped.
struct Start {
  std::size_t size = 1;
  bool valid = false;
  bool complete = false;
};

Start ReadStart(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    return {1, true, true};
  }
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    low = lead == 0xE0 ? 0xA0 : 0x80;   // shorter forms exist
    high = lead == 0xED ? 0x9F : 0xBF;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    low = lead == 0xF0 ? 0x90 : 0x80;
    high = lead == 0xF4 ? 0x8F : 0xBF;  // past U+10FFFF
  } else {
    return {};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) {
      return {i, true, false};
    }
    if (byte(i) < low || byte(i) > high) {
      return {i, false, false};
    }
    low = 0x80;
    high = 0xBF;
  }
  return {length, true, true};
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const Start start = ReadStart(text);
    if (!start.complete) {
      return false;
    }
    text.remove_prefix(start.size);
  }
  return true;
}

}  // namespace

Result<AnswerText> AnswerText::Create(const std::vector<Plaintext>& stops) {
  if (stops.size() > kMaxStops) {
    return Fail(ErrorCode::kInvalidArgument,
                std::to_string(stops.size()) + " stop strings, at most 4 are taken");
  }
  AnswerText made;
  for (const Plaintext& stop : stops) {
    if (stop.empty() || stop.size() > kMaxStopBytes || !IsUtf8(stop.view().Reveal())) {
      return Fail(ErrorCode::kInvalidArgument, "a stop string must be 1 to 256 bytes of UTF-8");
    }
    made.stops_.push_back(Plaintext::Copy(stop.view()));
  }
  return made;
}

void AnswerText::MoveWholeCharacters(bool at_end) {
  std::string_view rest = raw_.view().Reveal();
  while (!rest.empty()) {
    const Start start = ReadStart(rest);
    if (start.valid && !start.complete && !at_end) {
      break;
    }
    held_.Append(PlaintextView::Of(start.complete ? rest.substr(0, start.size) : kReplacement));
    rest.remove_prefix(start.size);
  }
  Plaintext kept = Plaintext::Copy(rest);
  raw_ = std::move(kept);
}

// How much of held_ no stop string can begin in.
std::size_t AnswerText::SendableBytes() const {
  const std::string_view held = held_.view().Reveal();
  std::size_t sendable = held.size();
  for (const Plaintext& stop : stops_) {
    const std::string_view text = stop.view().Reveal();
    const std::size_t longest = std::min(text.size() - 1, held.size());
    for (std::size_t length = longest; length > 0; --length) {
      if (held.ends_with(text.substr(0, length))) {
        sendable = std::min(sendable, held.size() - length);
        break;
      }
    }
  }
  return sendable;
}

Plaintext AnswerText::TakeFront(std::size_t size) {
  Plaintext front = Plaintext::Copy(held_.view().Part(0, size));
  Plaintext rest = Plaintext::Copy(held_.view().Part(size));
  held_ = std::move(rest);
  return front;
}

Plaintext AnswerText::Append(PlaintextView piece) {
  if (stopped_) {
    return {};
  }
  raw_.Append(piece);
  MoveWholeCharacters(false);
  const std::string_view held = held_.view().Reveal();
  std::size_t first = std::string_view::npos;
  for (const Plaintext& stop : stops_) {
    first = std::min(first, held.find(stop.view().Reveal()));
  }
  if (first != std::string_view::npos) {
    stopped_ = true;
    Plaintext last = TakeFront(first);
    held_.Clear();
    raw_.Clear();
    return last;
  }
  return TakeFront(SendableBytes());
}

Plaintext AnswerText::Finish() {
  if (stopped_) {
    return {};
  }
  MoveWholeCharacters(true);
  return TakeFront(held_.size());
}

}  // namespace casemate::inference
