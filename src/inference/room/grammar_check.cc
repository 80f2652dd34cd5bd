#include "inference/room/grammar_check.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "inference/room/utf8.h"

namespace casemate::inference {
namespace {

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}
bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Recursive descent over the grammar; the first complaint sticks and ends everything.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<void> Read() {
    Space(true);
    while (good() && at_ < text_.size()) {
      Rule();
    }
    if (good()) {
      CheckNames();
    }
    if (error_) {
      return std::unexpected(*error_);
    }
    return {};
  }

 private:
  struct Name {
    std::optional<std::size_t> defined;
    std::optional<std::size_t> used;
  };

  bool good() const { return !error_; }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) {
      return false;
    }
    at_ += what.size();
    return true;
  }
  void Complain(std::size_t at, std::string_view why) {
    if (error_) {
      return;
    }
    const std::string_view before = text_.substr(0, at);
    const std::size_t line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1;
    const std::size_t start =
        before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    error_ = Error{.code = ErrorCode::kInvalidArgument,
                   .message = "grammar, line " + std::to_string(line) + ", column " +
                              std::to_string(at - start + 1) + ": " + std::string(why),
                   .param = "grammar",
                   .detail = {}};
  }

  // Blanks and comments; line ends where they may stand.
  void Space(bool lines) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
      } else if (c == ' ' || c == '\t' || (lines && (c == '\r' || c == '\n'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string_view TakeName() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && IsNameByte(text_[at_])) {
      ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }

  void Rule() {
    const std::size_t begin = at_;
    const std::string_view name = TakeName();
    if (name.empty()) {
      Complain(at_, "expected a rule's name (letters, digits and -)");
      return;
    }
    Name& known = names_[name];
    if (known.defined) {
      Complain(begin, "this rule is there twice");
    }
    known.defined = begin;
    Space(false);
    if (!Take("::=")) {
      Complain(at_, "expected ::=");
      return;
    }
    Space(true);
    Alternatives(0);
    if (good() && at_ < text_.size() && Peek() != '\n' && Peek() != '\r') {
      Complain(at_, "expected the end of the line");
    }
    Space(true);
    if (names_.size() > kMaxGrammarRules) {
      Complain(begin, "more than 4096 rules");
    }
  }

  void Alternatives(std::size_t depth) {
    if (depth > kMaxGrammarNesting) {
      Complain(at_, "more than 64 parentheses inside each other");
    }
    Sequence(depth);
    while (good() && Take("|")) {
      Space(true);
      Sequence(depth);
    }
  }

  void Sequence(std::size_t depth) {
    bool element = false;  // something that can be repeated came before
    while (good() && at_ < text_.size()) {
      const char c = Peek();
      if (c == '"') {
        Literal();
      } else if (c == '[') {
        Range();
      } else if (IsNameByte(c)) {
        const std::size_t begin = at_;
        Name& known = names_[TakeName()];
        if (!known.used) {
          known.used = begin;
        }
      } else if (c == '(') {
        const std::size_t begin = at_++;
        Space(true);
        Alternatives(depth + 1);
        if (good() && !Take(")")) {
          Complain(begin, "this parenthesis is not closed");
        }
      } else if (c == '.') {
        ++at_;
      } else if (c == '*' || c == '+' || c == '?' || c == '{') {
        if (!element) {
          Complain(at_, "nothing stands before this repetition");
          return;
        }
        Repetition();
        element = false;
        Space(depth > 0);
        continue;
      } else {
        return;  // the end of a sequence, or what the caller complains about
      }
      element = true;
      Space(depth > 0);
    }
  }

  void Literal() {
    const std::size_t begin = at_++;
    while (good()) {
      if (at_ >= text_.size() || Peek() == '\n' || Peek() == '\r') {
        Complain(begin, "expected a closing quotation mark");
        return;
      }
      if (Take("\"")) {
        return;
      }
      Character();
    }
  }

  void Range() {
    const std::size_t begin = at_++;
    (void)Take("^");
    while (good()) {
      if (at_ >= text_.size() || Peek() == '\n' || Peek() == '\r') {
        Complain(begin, "expected a closing bracket");
        return;
      }
      if (Take("]")) {
        return;
      }
      const std::size_t first_at = at_;
      const std::uint32_t first = Character();
      if (Peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        if (Peek() == '\n' || Peek() == '\r') {
          continue;
        }
        if (Character() < first) {
          Complain(first_at, "this range ends before it begins");
        }
      }
    }
  }

  // One character or escape: its code point.
  std::uint32_t Character() {
    if (Peek() != '\\') {
      const Utf8Start start = ReadUtf8Start(text_.substr(at_));
      std::uint32_t code = static_cast<unsigned char>(text_[at_]);
      if (start.size > 1) {
        code &= 0x7FU >> start.size;
        for (std::size_t i = 1; i < start.size; ++i) {
          code = code << 6U | (static_cast<unsigned char>(text_[at_ + i]) & 0x3FU);
        }
      }
      at_ += start.size;
      return code;
    }
    const std::size_t begin = at_++;
    const char c = Peek();
    ++at_;
    switch (c) {
      case 'x':
        return Hex(begin, 2);
      case 'u':
        return Hex(begin, 4);
      case 'U':
        return Hex(begin, 8);
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case 'n':
        return '\n';
      case '\\':
      case '"':
      case '[':
      case ']':
        return static_cast<unsigned char>(c);
      default:
        Complain(begin, "an escape that is not known");
        return 0;
    }
  }

  std::uint32_t Hex(std::size_t begin, std::size_t digits) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      const char c = Peek();
      if (!IsHex(c)) {
        Complain(begin, "an escape with too few hexadecimal digits");
        return 0;
      }
      value = value << 4U | static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (value > 0x10FFFF) {
      Complain(begin, "an escape for no character");
    }
    return value;
  }

  std::size_t Number() {
    const std::size_t begin = at_;
    std::size_t value = 0;
    while (at_ < text_.size() && Peek() >= '0' && Peek() <= '9') {
      value = std::min<std::size_t>(value * 10 + static_cast<std::size_t>(Peek() - '0'), 1'000'000);
      ++at_;
    }
    if (begin == at_) {
      Complain(at_, "expected a number");
    } else if (value > kMaxGrammarRepetition) {
      Complain(begin, "more than 1000 repetitions");
    }
    return value;
  }

  void Repetition() {
    const std::size_t begin = at_;
    if (!Take("{")) {
      ++at_;
      return;
    }
    Space(false);
    const std::size_t least = Number();
    std::size_t most = least;
    Space(false);
    if (Take(",")) {
      Space(false);
      if (Peek() != '}') {
        most = Number();
        Space(false);
      }
    }
    if (good() && !Take("}")) {
      Complain(at_, "expected a closing brace");
    }
    if (most < least) {
      Complain(begin, "this repetition ends before it begins");
    }
    repetitions_ += most;
    if (repetitions_ > kMaxGrammarRepetitions) {
      Complain(begin, "more than 50000 repetitions together");
    }
  }

  void CheckNames() {
    std::optional<std::size_t> first;
    for (const auto& [name, known] : names_) {
      if (!known.defined && (!first || *known.used < *first)) {
        first = known.used;
      }
    }
    if (first) {
      Complain(*first, "a rule that is nowhere defined");
    } else if (!names_.contains("root")) {
      Complain(text_.size(), "there is no rule root");
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::map<std::string_view, Name> names_;
  std::size_t repetitions_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Result<void> CheckGrammar(PlaintextView grammar) {
  const auto refuse = [](std::string why) {
    return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                                 .message = std::move(why),
                                 .param = "grammar",
                                 .detail = {}});
  };
  if (grammar.size() > kMaxGrammarBytes) {
    return refuse("grammar of " + std::to_string(grammar.size()) + " bytes, the limit is " +
                  std::to_string(kMaxGrammarBytes));
  }
  const std::string_view text = grammar.Reveal();
  if (!IsUtf8(text) || text.contains('\0')) {
    return refuse("the grammar is not UTF-8 text");
  }
  return Reader(text).Read();
}

}  // namespace casemate::inference
