#include "inference/room/grammar_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace casemate::inference {
namespace {

std::string Complaint(const std::string& grammar) {
  Result<void> checked = CheckGrammar(PlaintextView::Of(std::string_view(grammar)));
  if (checked) {
    return "";
  }
  EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(checked.error().param, "grammar");
  return checked.error().message;
}

// llama.cpp's grammars/json.gbnf, list.gbnf and parts of chess.gbnf.
TEST(GrammarCheckTest, TakesTheGrammarsOfLlamaCpp) {
  EXPECT_EQ(Complaint(R"gbnf(root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws

object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws

array  ::=
  "[" ws (
            value
    ("," ws value)*
  )? "]" ws

string ::=
  "\"" (
    [^"\\\x7F\x00\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
  )* "\"" ws

number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws

# Optional space: by convention, applied in this grammar after literal chars when allowed
ws ::= | " " | "\n" [ \t]{0,20}
)gbnf"),
            "");
  EXPECT_EQ(Complaint("root ::= item+\n\n# Excludes various line break characters\n"
                      "item ::= \"- \" [^\\r\\n\\x0b\\x0c\\x85\\u2028\\u2029]+ \"\\n\"\n"),
            "");
  EXPECT_EQ(Complaint("root ::= \"1. \" move \" \" move \"\\n\" "
                      "([1-9] [0-9]? \". \" move \" \" move \"\\n\")+\n"
                      "move ::= [NBKQR]? [a-h]? [1-8]? \"x\"? [a-h] [1-8] (\"=\" [NBKQR])? | "
                      "\"O-O\" \"-O\"?\n"),
            "");
}

TEST(GrammarCheckTest, TakesWhatItsSpecificationNames) {
  for (const std::string grammar :
       {"root ::= \"a\"", "root ::= \"a\"\r\n", "# only\nroot ::= .", "root ::=\n  \"a\"",
        "root ::= \"a\" |\n  \"b\"", "root ::= (\n\"a\"\n|\n\"b\"\n)", "root ::= \"a\"{2}",
        "root ::= [a-z]{2,}", "root ::= [a-z]{ 2 , 3 }", "root ::= [^a-z\\]]*", "root ::= [-a]",
        "root ::= [a-]", "root ::= \"\\u00e9\\U0001F600\\x41\\t\"", "root ::= \"é\"",
        "root ::= ", "root ::= a-b\na-b ::= \"x\"", "root ::= []"}) {
    EXPECT_EQ(Complaint(grammar), "") << grammar;
  }
}

TEST(GrammarCheckTest, NamesThePlaceOfWhatIsWrong) {
  const std::string deep(kMaxGrammarNesting + 1, '(');
  for (const auto& [grammar, complaint] : std::vector<std::pair<std::string, std::string>>{
           {"", "grammar, line 1, column 1: there is no rule root"},
           {"start ::= \"a\"", "there is no rule root"},
           {"root ::= \"a\"\nx", "line 2, column 2: expected ::="},
           {"root ::= \"a", "line 1, column 10: expected a closing quotation mark"},
           {"root ::= \"a\n\"", "line 1, column 10: expected a closing quotation mark"},
           {"root ::= [a-z", "line 1, column 10: expected a closing bracket"},
           {"root ::= [z-a]", "line 1, column 11: this range ends before it begins"},
           {"root ::= (\"a\"", "line 1, column 10: this parenthesis is not closed"},
           {"root ::= \"a\")", "line 1, column 13: expected the end of the line"},
           {"root ::= *", "line 1, column 10: nothing stands before this repetition"},
           {"root ::= \"a\"**", "line 1, column 14: nothing stands before this repetition"},
           {"root ::= \"a\" {1,", "expected a number"},
           {"root ::= \"a\"{2,1}", "this repetition ends before it begins"},
           {"root ::= \"a\"{1001}", "more than 1000 repetitions"},
           {"root ::= \"a\"{3;4}", "expected a closing brace"},
           {"root ::= \"\\q\"", "line 1, column 11: an escape that is not known"},
           {"root ::= \"\\x4\"", "an escape with too few hexadecimal digits"},
           {"root ::= \"\\U00110000\"", "an escape for no character"},
           {"root ::= a\n", "line 1, column 10: a rule that is nowhere defined"},
           {"root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1: this rule is there twice"},
           {"root ::= <[5]>", "line 1, column 10: expected the end of the line"},
           {"root ::= " + deep, "more than 64 parentheses inside each other"},
           {std::string("root ::= \"a\0\"", 13), "the grammar is not UTF-8 text"},
           {"root ::= \"\xff\"", "the grammar is not UTF-8 text"},
           {std::string(kMaxGrammarBytes + 1, ' '), "the limit is 262144"}}) {
    EXPECT_THAT(Complaint(grammar), testing::HasSubstr(complaint)) << grammar.substr(0, 80);
  }
}

TEST(GrammarCheckTest, RepetitionsTogetherAreBounded) {
  std::string grammar = "root ::= \"a\"{1000}";
  for (int i = 0; i < 50; ++i) {
    grammar += " \"a\"{1000}";
  }
  EXPECT_THAT(Complaint(grammar), testing::HasSubstr("more than 50000 repetitions together"));
}

}  // namespace
}  // namespace casemate::inference
