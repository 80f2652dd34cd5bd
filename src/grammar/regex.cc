#include "grammar/regex.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace casemate::grammar {
namespace {

// ECMA-262, section 22.2.2.9, with WhiteSpace and LineTerminator of section 12.
const CodeSet kDigit = {{'0', '9'}};
const CodeSet kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CodeSet kSpace = {{9, 13},          {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680},
                        {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                        {0x3000, 0x3000}, {0xfeff, 0xfeff}};
const CodeSet kLineEnd = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

// Whether the empty string matches.
struct MayBeEmpty {
  bool operator()(const CodeSet&) const { return false; }
  bool operator()(const RegexSequence& sequence) const {
    return std::all_of(sequence.parts.begin(), sequence.parts.end(),
                       [&](const Regex& part) { return std::visit(*this, part.node); });
  }
  bool operator()(const RegexChoice& choice) const {
    return std::any_of(choice.parts.begin(), choice.parts.end(),
                       [&](const Regex& part) { return std::visit(*this, part.node); });
  }
  bool operator()(const RegexRepeat& repeat) const {
    return repeat.least == 0 || std::visit(*this, repeat.part->node);
  }
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Regex> Whole() {
    Result<Regex> regex = Choice(true);
    if (!regex) {
      return regex;
    }
    return at_ == text_.size() ? std::move(regex) : Refuse("')' without '('");
  }

 private:
  std::unexpected<Error> Refuse(std::string_view why) const {
    return Fail(ErrorCode::kInvalidArgument,
                "at byte " + std::to_string(at_) + " of the pattern: " + std::string(why));
  }
  bool Ended() const { return at_ == text_.size(); }
  char Peek() const { return text_[at_]; }
  bool Take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) {
      return false;
    }
    at_ += token.size();
    return true;
  }

  static Regex Anything() {
    return {RegexRepeat{std::make_unique<Regex>(Regex{Complement({})}), 0, std::nullopt}};
  }

  // `top`: ^ and $ may stand at the ends of the alternatives.
  Result<Regex> Choice(bool top) {
    RegexChoice choice;
    do {
      Result<Regex> sequence = Sequence(top);
      if (!sequence) {
        return sequence;
      }
      choice.parts.push_back(std::move(*sequence));
    } while (Take("|"));
    return choice.parts.size() == 1 ? std::move(choice.parts[0]) : Regex{std::move(choice)};
  }

  Result<Regex> Sequence(bool top) {
    RegexSequence sequence;
    if (top && !Take("^")) {
      sequence.parts.push_back(Anything());
    }
    while (!Ended() && Peek() != '|' && Peek() != ')') {
      if (Take("$")) {
        if (!top || (!Ended() && Peek() != '|')) {
          return Refuse("'$' is served at the end of the pattern only");
        }
        return Regex{std::move(sequence)};
      }
      Result<Regex> part = Repeated();
      if (!part) {
        return part;
      }
      sequence.parts.push_back(std::move(*part));
    }
    if (top) {
      sequence.parts.push_back(Anything());
    }
    return Regex{std::move(sequence)};
  }

  Result<Regex> Repeated() {
    Result<Regex> part = Atom();
    if (!part || Ended()) {
      return part;
    }
    RegexRepeat repeat;
    if (Take("*")) {
      repeat.most = std::nullopt;
    } else if (Take("+")) {
      repeat.least = 1;
    } else if (Take("?")) {
      repeat.most = 1;
    } else if (Take("{")) {
      if (Result<void> counts = Counts(repeat); !counts) {
        return std::unexpected(counts.error());
      }
    } else {
      return part;
    }
    (void)Take("?");  // a lazy match matches the same strings
    if (!Ended() && (Peek() == '*' || Peek() == '+' || Peek() == '?' || Peek() == '{')) {
      return Refuse("a repetition of a repetition");
    }
    // A grammar that repeats nothing for ever is refused by the engine.
    if (std::visit(MayBeEmpty{}, part->node)) {
      return Refuse("a repetition of what may be empty");
    }
    repeat.part = std::make_unique<Regex>(std::move(*part));
    return Regex{std::move(repeat)};
  }

  Result<std::uint32_t> Count() {
    std::uint32_t count = 0;
    const std::size_t start = at_;
    while (!Ended() && Peek() >= '0' && Peek() <= '9') {
      count = count * 10 + static_cast<std::uint32_t>(Peek() - '0');
      ++at_;
      if (count > kMaxCount) {
        return Refuse("a count over " + std::to_string(kMaxCount));
      }
    }
    return at_ > start ? Result<std::uint32_t>(count) : Refuse("a count is expected");
  }

  Result<void> Counts(RegexRepeat& repeat) {
    Result<std::uint32_t> least = Count();
    if (!least) {
      return std::unexpected(least.error());
    }
    repeat.least = *least;
    repeat.most = *least;
    if (Take(",")) {
      repeat.most = std::nullopt;
      if (!Ended() && Peek() != '}') {
        Result<std::uint32_t> most = Count();
        if (!most) {
          return std::unexpected(most.error());
        }
        repeat.most = *most;
      }
    }
    if (!Take("}")) {
      return Refuse("'}' is expected");
    }
    return repeat.most && *repeat.most < repeat.least ? Result<void>(Refuse("counts out of order"))
                                                      : Result<void>();
  }

  Result<Regex> Atom() {
    if (Take("(")) {
      if (Take("?") && !Take(":")) {
        return Refuse("of the groups with '?', only '(?:' is served");
      }
      if (++depth_ > kMaxPatternDepth) {
        return Refuse("groups nested deeper than " + std::to_string(kMaxPatternDepth));
      }
      Result<Regex> inner = Choice(false);
      if (inner && !Take(")")) {
        return Refuse("')' is expected");
      }
      --depth_;
      return inner;
    }
    if (Take("[")) {
      return Class();
    }
    if (Take(".")) {
      return Regex{Complement(kLineEnd)};
    }
    if (Take("\\")) {
      Result<CodeSet> set = Escape(false);
      return set ? Result<Regex>(Regex{std::move(*set)}) : std::unexpected(set.error());
    }
    if (std::string_view("^$*+?{}]").find(Peek()) != std::string_view::npos) {
      return Refuse(std::string("'") + Peek() + "' is not served here; write '\\" + Peek() +
                    "' for the character");
    }
    return Regex{CodeSet{One(Character())}};
  }

  static CodeRange One(char32_t code) { return {code, code}; }

  // The JSON reader has checked that this is UTF-8.
  char32_t Character() {
    const auto lead = static_cast<unsigned char>(text_[at_++]);
    int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    char32_t code = more == 0 ? lead : lead & (0x3fU >> more);
    for (; more > 0 && !Ended(); --more) {
      code = (code << 6) | (static_cast<unsigned char>(text_[at_++]) & 0x3fU);
    }
    return code;
  }

  Result<Regex> Class() {
    const bool negated = Take("^");
    CodeSet set;
    while (!Take("]")) {
      Result<CodeSet> low = ClassAtom();
      if (!low) {
        return std::unexpected(low.error());
      }
      const bool single = low->size() == 1 && low->front().first == low->front().last;
      if (single && text_.substr(at_).starts_with("-") && !text_.substr(at_).starts_with("-]")) {
        ++at_;
        Result<CodeSet> high = ClassAtom();
        if (!high) {
          return std::unexpected(high.error());
        }
        if (high->size() != 1 || high->front().first != high->front().last ||
            high->front().first < low->front().first) {
          return Refuse("a range out of order");
        }
        low->front().last = high->front().first;
      }
      set.insert(set.end(), low->begin(), low->end());
    }
    set = Normalized(std::move(set));
    if (negated) {
      set = Complement(set);
    }
    return set.empty() ? Result<Regex>(Refuse("a class without characters"))
                       : Result<Regex>(Regex{std::move(set)});
  }

  Result<CodeSet> ClassAtom() {
    if (Ended()) {
      return Refuse("']' is expected");
    }
    return Take("\\") ? Escape(true) : Result<CodeSet>(CodeSet{One(Character())});
  }

  Result<CodeSet> Escape(bool in_class) {
    if (Ended()) {
      return Refuse("a backslash at the end");
    }
    const char c = text_[at_++];
    switch (c) {
      case 'd':
        return kDigit;
      case 'D':
        return Complement(kDigit);
      case 'w':
        return kWord;
      case 'W':
        return Complement(kWord);
      case 's':
        return kSpace;
      case 'S':
        return Complement(kSpace);
      case 't':
        return CodeSet{One('\t')};
      case 'n':
        return CodeSet{One('\n')};
      case 'r':
        return CodeSet{One('\r')};
      case 'f':
        return CodeSet{One('\f')};
      case 'v':
        return CodeSet{One('\v')};
      case '0':
        return CodeSet{One(0)};
      case 'x':
        return Hex(2, 2);
      case 'u':
        if (Take("{")) {
          Result<CodeSet> set = Hex(1, 6);
          return !set || Take("}") ? std::move(set) : Refuse("'}' is expected");
        }
        return Hex(4, 4);
      default:
        break;
    }
    if (std::string_view("^$\\.*+?()[]{}|/").find(c) != std::string_view::npos ||
        (in_class && c == '-')) {
      return CodeSet{One(static_cast<char32_t>(c))};
    }
    --at_;
    return Refuse("an escape that is not served");
  }

  Result<CodeSet> Hex(int least, int most) {
    char32_t code = 0;
    int digits = 0;
    for (; digits < most && !Ended(); ++digits, ++at_) {
      const char c = Peek();
      const int value = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (value < 0) {
        break;
      }
      code = code * 16 + static_cast<char32_t>(value);
    }
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (digits < least || code > kLastCode || surrogate) {
      return Refuse("a hexadecimal number of a character is expected");
    }
    return CodeSet{One(code)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

Result<Regex> ParseRegex(PlaintextView pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return Fail(ErrorCode::kInvalidArgument, "a pattern of " + std::to_string(pattern.size()) +
                                                 " bytes, served are " +
                                                 std::to_string(kMaxPatternBytes));
  }
  return Parser(pattern.Reveal()).Whole();
}

}  // namespace casemate::grammar
