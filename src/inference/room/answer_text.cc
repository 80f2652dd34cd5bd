#include "inference/room/answer_text.h"

#include <algorithm>
#include <string_view>

#include "inference/room/utf8.h"

namespace casemate::inference {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

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
    const Utf8Start start = ReadUtf8Start(rest);
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
