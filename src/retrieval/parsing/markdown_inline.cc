#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "retrieval/parsing/decode.h"
#include "retrieval/parsing/markdown.h"

namespace casemate::retrieval {
namespace {

// How far the end of a link, tag or code span is looked for: keeps the work linear.
constexpr std::size_t kWindow = 1024;

bool IsPunctuation(char c) {
  return std::string_view("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~").contains(c);
}
bool IsWord(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

// The place of the bracket that closes the one at text[0], or nothing within the window.
std::optional<std::size_t> ClosingBracket(std::string_view text, char open, char close) {
  int depth = 0;
  for (std::size_t i = 0; i < std::min(text.size(), kWindow); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == open) {
      ++depth;
    } else if (text[i] == close && --depth == 0) {
      return i;
    }
  }
  return std::nullopt;
}

struct Entity {
  std::string_view name;
  std::string_view text;
};
constexpr std::array kEntities = {
    Entity{"&amp;", "&"},   Entity{"&lt;", "<"},    Entity{"&gt;", ">"},   Entity{"&quot;", "\""},
    Entity{"&apos;", "'"},  Entity{"&nbsp;", " "},  Entity{"&copy;", "©"}, Entity{"&mdash;", "—"},
    Entity{"&ndash;", "–"}, Entity{"&hellip;", "…"}};

class Inline {
 public:
  explicit Inline(std::string_view text) : rest_(text) { out_.Reserve(text.size()); }

  Plaintext Run() {
    while (!rest_.empty()) {
      if (!(TakeEscape() || TakeCode() || TakeLink() || TakeTag() || TakeEmphasis() ||
            TakeEntity())) {
        TakePlain();
      }
    }
    return std::move(out_);
  }

 private:
  void Put(std::string_view text) {
    if (!text.empty()) {
      last_ = text.back();
      out_.Append(PlaintextView::Of(text));
    }
  }

  bool TakeEscape() {
    if (rest_.size() < 2 || rest_[0] != '\\' || !IsPunctuation(rest_[1])) {
      return false;
    }
    Put(rest_.substr(1, 1));
    rest_.remove_prefix(2);
    return true;
  }

  bool TakeCode() {
    if (rest_[0] != '`') {
      return false;
    }
    const std::size_t ticks = std::min(rest_.find_first_not_of('`'), rest_.size());
    const std::string_view mark = rest_.substr(0, ticks);
    const std::size_t end = rest_.substr(0, ticks + kWindow).find(mark, ticks);
    if (ticks > 16 || end == std::string_view::npos) {
      Put(mark);
      rest_.remove_prefix(ticks);
      return true;
    }
    Put(rest_.substr(ticks, end - ticks));
    rest_.remove_prefix(end + ticks);
    return true;
  }

  // [text](target), [text][name], ![alt](target): the text stays, links within it too.
  bool TakeLink() {
    const std::size_t image = rest_.starts_with("![") ? 1 : 0;
    if (rest_[image] != '[') {
      return false;
    }
    const std::optional<std::size_t> close = ClosingBracket(rest_.substr(image), '[', ']');
    if (!close) {
      return false;
    }
    const std::string_view label = rest_.substr(image + 1, *close - 1);
    std::string_view after = rest_.substr(image + *close + 1);
    std::optional<std::size_t> target;
    if (after.starts_with('(')) {
      target = ClosingBracket(after, '(', ')');
    } else if (after.starts_with('[')) {
      target = ClosingBracket(after, '[', ']');
    }
    if (!target) {
      return false;  // brackets that are text
    }
    // One level of markup within the label; a label is at most a window, so this ends.
    const Plaintext inner = depth_ < 4 ? Nested(label) : Plaintext::Copy(label);
    Put(inner.view().Reveal());
    rest_ = after.substr(*target + 1);
    return true;
  }

  Plaintext Nested(std::string_view text) const {
    Inline inner(text);
    inner.depth_ = depth_ + 1;
    return inner.Run();
  }

  // <https://...> stays as its address; <b>, </b>, <!-- --> go.
  bool TakeTag() {
    if (rest_[0] != '<' || rest_.size() < 3) {
      return false;
    }
    const bool comment = rest_.starts_with("<!--");
    if (!comment && rest_[1] != '/' && !IsWord(rest_[1])) {
      return false;
    }
    const std::string_view mark = comment ? "-->" : ">";
    const std::size_t end = rest_.substr(0, kWindow).find(mark);
    if (end == std::string_view::npos) {
      return false;
    }
    const std::string_view inside = rest_.substr(1, end - 1);
    if (!comment && (inside.contains("://") || inside.contains('@')) && !inside.contains(' ')) {
      Put(inside);
    }
    rest_.remove_prefix(end + mark.size());
    return true;
  }

  // Runs of emphasis marks go where they touch a word on one side only; "a * b" and snake_case
  // stay.
  bool TakeEmphasis() {
    const char mark = rest_[0];
    if (mark != '*' && mark != '_' && mark != '~') {
      return false;
    }
    const std::size_t run = std::min(rest_.find_first_not_of(mark), rest_.size());
    const char next = run < rest_.size() ? rest_[run] : ' ';
    const bool space_before = last_ == ' ' || last_ == '\n' || last_ == '\t';
    const bool space_after = next == ' ' || next == '\n' || next == '\t';
    const bool within_word = IsWord(last_) && IsWord(next);
    const bool stays = (space_before && space_after) || (mark == '_' && within_word) ||
                       (mark == '~' && run != 2) || run > 3;
    if (stays) {
      Put(rest_.substr(0, run));
    }
    rest_.remove_prefix(run);
    return true;
  }

  bool TakeEntity() {
    if (rest_[0] != '&') {
      return false;
    }
    for (const Entity& entity : kEntities) {
      if (rest_.starts_with(entity.name)) {
        Put(entity.text);
        rest_.remove_prefix(entity.name.size());
        return true;
      }
    }
    return false;
  }

  void TakePlain() {
    std::size_t end = std::min(rest_.find_first_of("\\`[!<*_~&", 1), rest_.size());
    Put(rest_.substr(0, end));
    rest_.remove_prefix(end);
  }

  std::string_view rest_;
  Plaintext out_;
  char last_ = ' ';  // what was written last
  int depth_ = 0;
};

}  // namespace

Plaintext StripInlineMarkdown(PlaintextView text) { return Inline(text.Reveal()).Run(); }

}  // namespace casemate::retrieval
