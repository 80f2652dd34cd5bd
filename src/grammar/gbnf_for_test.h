#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "grammar/gbnf.h"

// For tests: reads GBNF as llama.cpp does (src/llama-grammar.cpp), says whether a text matches and
// writes random matches. Test content is no secret, so std::string is used.
namespace casemate::grammar {

class TestGrammar {
 public:
  explicit TestGrammar(std::string_view text) : text_(text) {
    while (SkipSpace(true), at_ < text_.size()) {
      const std::string name = Name();
      SkipSpace(false);
      Expect("::=");
      rules_[name] = Choice(false);
    }
    for (const auto& [name, rule] : rules_) {
      CheckReferences(rule);
    }
    EXPECT_TRUE(rules_.contains("root"));
    Measure();
  }

  bool Matches(std::string_view text) {
    input_ = Codes(text);
    memo_.clear();
    return MatchRule("root", 0).contains(input_.size());
  }

  std::string Sample(std::mt19937& random) {
    std::string out;
    Write(rules_.at("root"), random, 0, out);
    return out;
  }

 private:
  struct Part;
  using Parts = std::vector<Part>;
  struct Alternatives {
    std::vector<Parts> of;
  };
  struct Part {
    std::variant<CodeSet, std::string, Alternatives> what;
    std::size_t least = 1;
    std::size_t most = 1;
  };
  static constexpr std::size_t kForever = ~std::size_t{0};
  static constexpr int kUnknown = 1 << 20;

  void SkipSpace(bool lines) {
    while (at_ < text_.size() && (text_[at_] == ' ' || (lines && text_[at_] == '\n'))) {
      ++at_;
    }
  }
  void Expect(std::string_view token) {
    ASSERT_TRUE(text_.substr(at_).starts_with(token)) << token << " at " << text_.substr(at_, 40);
    at_ += token.size();
  }
  bool Sees(char c) const { return at_ < text_.size() && text_[at_] == c; }
  std::string Name() {
    const std::size_t from = at_;
    while (at_ < text_.size() && (std::isalnum(text_[at_]) != 0 || text_[at_] == '-')) {
      ++at_;
    }
    EXPECT_GT(at_, from) << "a name at " << text_.substr(at_, 40);
    at_ += at_ == from ? text_.size() : 0;
    return std::string(text_.substr(from, at_ - from));
  }

  static std::u32string Codes(std::string_view text) {
    std::u32string codes;
    for (std::size_t i = 0; i < text.size();) {
      const auto lead = static_cast<unsigned char>(text[i++]);
      const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
      char32_t code = more == 0 ? lead : lead & (0x3fU >> more);
      for (int n = 0; n < more && i < text.size(); ++n) {
        code = (code << 6) | (static_cast<unsigned char>(text[i++]) & 0x3fU);
      }
      codes += code;
    }
    return codes;
  }
  static void AppendUtf8(std::string& out, char32_t code) {
    const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xc0 | (code >> 6)), put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      put(0xe0 | (code >> 12)), put(0x80 | ((code >> 6) & 0x3f)), put(0x80 | (code & 0x3f));
    } else {
      put(0xf0 | (code >> 18)), put(0x80 | ((code >> 12) & 0x3f));
      put(0x80 | ((code >> 6) & 0x3f)), put(0x80 | (code & 0x3f));
    }
  }

  char32_t Character() {
    const auto lead = static_cast<unsigned char>(text_[at_]);
    if (lead != '\\') {
      const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
      const char32_t code = Codes(text_.substr(at_, size)).at(0);
      at_ += size;
      return code;
    }
    const char kind = text_.at(at_ + 1);
    at_ += 2;
    const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    if (digits == 0) {
      EXPECT_NE(std::string_view("trn\\\"[]").find(kind), std::string_view::npos) << kind;
      return static_cast<char32_t>(kind == 't'   ? '\t'
                                   : kind == 'r' ? '\r'
                                   : kind == 'n' ? '\n'
                                                 : kind);
    }
    const std::string hex(text_.substr(at_, digits));
    at_ += digits;
    return static_cast<char32_t>(std::stoul(hex, nullptr, 16));
  }

  Alternatives Choice(bool nested) {
    Alternatives choice;
    do {
      Parts parts;
      for (SkipSpace(nested); at_ < text_.size() && !Sees('\n') && !Sees('|') && !Sees(')');
           SkipSpace(nested)) {
        parts.push_back(Counted(One()));
      }
      choice.of.push_back(std::move(parts));
    } while (Sees('|') && ++at_ != 0);
    return choice;
  }

  Part One() {
    if (Sees('"')) {
      ++at_;
      Parts letters;
      while (!Sees('"')) {
        const char32_t code = Character();
        letters.push_back({CodeSet{{code, code}}});
      }
      ++at_;
      return {Alternatives{{std::move(letters)}}};
    }
    if (Sees('[')) {
      ++at_;
      const bool negated = Sees('^') && ++at_ != 0;
      CodeSet set;
      while (!Sees(']')) {
        const char32_t first = Character();
        char32_t last = first;
        if (Sees('-') && text_.at(at_ + 1) != ']') {
          ++at_;
          last = Character();
        }
        set.push_back({first, last});
      }
      ++at_;
      set = Normalized(std::move(set));
      return {negated ? Complement(set) : set};
    }
    if (Sees('(')) {
      ++at_;
      Alternatives inner = Choice(true);
      Expect(")");
      return {std::move(inner)};
    }
    return {Name()};
  }

  Part Counted(Part part) {
    if (Sees('*')) {
      part.least = 0, part.most = kForever, ++at_;
    } else if (Sees('+')) {
      part.most = kForever, ++at_;
    } else if (Sees('?')) {
      part.least = 0, ++at_;
    } else if (Sees('{')) {
      ++at_;
      part.least = part.most = Number();
      if (Sees(',')) {
        ++at_;
        part.most = Sees('}') ? kForever : Number();
      }
      Expect("}");
    }
    return part;
  }
  std::size_t Number() {
    std::size_t number = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      number = number * 10 + static_cast<std::size_t>(text_[at_++] - '0');
    }
    EXPECT_LE(number, 2000U) << "over what llama.cpp takes";
    return number;
  }

  void CheckReferences(const Alternatives& choice) {
    for (const Parts& parts : choice.of) {
      for (const Part& part : parts) {
        if (const auto* name = std::get_if<std::string>(&part.what)) {
          EXPECT_TRUE(rules_.contains(*name)) << *name;
        } else if (const auto* inner = std::get_if<Alternatives>(&part.what)) {
          CheckReferences(*inner);
        }
      }
    }
  }

  // The least depth of a match of each rule, so that samples end.
  void Measure() {
    for (bool more = true; more;) {
      more = false;
      for (const auto& [name, rule] : rules_) {
        const int depth = Depth(rule);
        const auto known = depths_.find(name);
        if (depth < kUnknown && (known == depths_.end() || depth < known->second)) {
          depths_[name] = depth;
          more = true;
        }
      }
    }
    for (const auto& [name, rule] : rules_) {
      EXPECT_TRUE(depths_.contains(name)) << name << " never ends";
    }
  }
  int Depth(const Parts& parts) const {
    int depth = 0;
    for (const Part& part : parts) {
      if (part.least == 0) {
        continue;
      }
      if (const auto* name = std::get_if<std::string>(&part.what)) {
        const auto known = depths_.find(*name);
        depth = std::max(depth, known == depths_.end() ? kUnknown : known->second + 1);
      } else if (const auto* inner = std::get_if<Alternatives>(&part.what)) {
        depth = std::max(depth, Depth(*inner));
      }
    }
    return depth;
  }
  int Depth(const Alternatives& choice) const {
    int depth = kUnknown;
    for (const Parts& parts : choice.of) {
      depth = std::min(depth, Depth(parts));
    }
    return depth;
  }

  void Write(const Alternatives& choice, std::mt19937& random, int level, std::string& out) {
    std::size_t pick = random() % choice.of.size();
    if (level > 10) {
      for (std::size_t i = 0; i < choice.of.size(); ++i) {
        pick = Depth(choice.of[i]) < Depth(choice.of[pick]) ? i : pick;
      }
    }
    for (const Part& part : choice.of[pick]) {
      std::size_t times = part.least;
      while (times < part.most && level <= 10 && random() % 3 != 0) {
        ++times;
      }
      for (std::size_t n = 0; n < times; ++n) {
        WriteOne(part, random, level, out);
      }
    }
  }
  void WriteOne(const Part& part, std::mt19937& random, int level, std::string& out) {
    if (const auto* set = std::get_if<CodeSet>(&part.what)) {
      const CodeRange range = (*set)[random() % 3 != 0 ? 0 : random() % set->size()];
      const char32_t span = std::min<char32_t>(range.last - range.first + 1, 0x200);
      AppendUtf8(out, range.first + random() % span);
    } else if (const auto* name = std::get_if<std::string>(&part.what)) {
      Write(rules_.at(*name), random, level + 1, out);
    } else {
      Write(std::get<Alternatives>(part.what), random, level, out);
    }
  }

  using Places = std::set<std::size_t>;
  const Places& MatchRule(const std::string& name, std::size_t from) {
    const auto key = std::pair(name, from);
    const auto known = memo_.find(key);
    if (known != memo_.end()) {
      return known->second;
    }
    return memo_[key] = Match(rules_.at(name), from);
  }
  Places Match(const Alternatives& choice, std::size_t from) {
    Places ends;
    for (const Parts& parts : choice.of) {
      Places now = {from};
      for (const Part& part : parts) {
        now = MatchCounted(part, now);
      }
      ends.insert(now.begin(), now.end());
    }
    return ends;
  }
  Places MatchCounted(const Part& part, Places now) {
    Places ends;
    for (std::size_t n = 0;; ++n) {
      if (n >= part.least) {
        const std::size_t before = ends.size();
        ends.insert(now.begin(), now.end());
        if (n > part.least && ends.size() == before) {
          return ends;
        }
      }
      if (n == part.most || now.empty()) {
        return ends;
      }
      Places next;
      for (std::size_t from : now) {
        const Places more = MatchOne(part, from);
        next.insert(more.begin(), more.end());
      }
      now = std::move(next);
    }
  }
  Places MatchOne(const Part& part, std::size_t from) {
    if (const auto* set = std::get_if<CodeSet>(&part.what)) {
      if (from == input_.size()) {
        return {};
      }
      for (const CodeRange& range : *set) {
        if (input_[from] >= range.first && input_[from] <= range.last) {
          return {from + 1};
        }
      }
      return {};
    }
    if (const auto* name = std::get_if<std::string>(&part.what)) {
      return MatchRule(*name, from);
    }
    return Match(std::get<Alternatives>(part.what), from);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::map<std::string, Alternatives> rules_;
  std::map<std::string, int> depths_;
  std::u32string input_;
  std::map<std::pair<std::string, std::size_t>, Places> memo_;
};

}  // namespace casemate::grammar
