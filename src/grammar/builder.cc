#include "grammar/builder.h"

#include <algorithm>

#include "grammar/gbnf.h"

namespace casemate::grammar {
namespace {

struct SharedRule {
  std::string_view name;
  std::string_view expression;
  std::string_view needs[4];
};

// RFC 8259. Escapes by number leave surrogates out: half a pair is no character.
constexpr SharedRule kShared[] = {
    {"json-char",
     R"([^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" ([0-9a-cefA-CEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2})))",
     {}},
    {"json-string", R"("\"" json-char* "\"")", {"json-char"}},
    {"json-integer", R"("-"? ("0" | [1-9] [0-9]{0,14}))", {}},
    {"json-number",
     R"(json-integer ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?)",
     {"json-integer"}},
    {"json-space", R"(" "?)", {}},
    {"json-comma", R"("," json-space)", {"json-space"}},
    {"json-member",
     R"(json-string ":" json-space json-value)",
     {"json-string", "json-space", "json-value"}},
    {"json-object",
     R"("{" (json-member (json-comma json-member)*)? "}")",
     {"json-member", "json-comma"}},
    {"json-array",
     R"("[" (json-value (json-comma json-value)*)? "]")",
     {"json-value", "json-comma"}},
    {"json-value",
     R"(json-object | json-array | json-string | json-number | "true" | "false" | "null")",
     {"json-object", "json-array", "json-string", "json-number"}},
};

}  // namespace

void Builder::AddRule(std::string_view name, PlaintextView expression) {
  ++rule_count_;
  rules_.AppendLiteral(name);
  rules_.AppendLiteral(" ::= ");
  rules_.Append(expression);
  rules_.AppendLiteral("\n");
}

void Builder::Need(std::string_view shared) {
  if (!shared_.emplace(shared).second) {
    return;
  }
  const SharedRule* rule = std::find_if(std::begin(kShared), std::end(kShared),
                                        [&](const SharedRule& r) { return r.name == shared; });
  elements_ += rule->expression.size();
  AddRule(rule->name, PlaintextView::Of(rule->expression));
  for (std::string_view need : rule->needs) {
    if (!need.empty()) {
      Need(need);
    }
  }
}

std::string Builder::AddAnyObject() {
  Need("json-object");
  return "json-object";
}

Result<Plaintext> Builder::Take(PlaintextView root_expression) {
  Plaintext grammar;
  grammar.AppendLiteral("root ::= ");
  grammar.Append(root_expression);
  grammar.AppendLiteral("\n");
  grammar.Append(rules_);
  const std::size_t elements = elements_;
  const std::size_t rules = rule_count_;
  *this = Builder();
  if (grammar.size() > kMaxGrammarBytes || rules > kMaxGrammarRules ||
      elements > kMaxGrammarElements) {
    return Fail(ErrorCode::kInvalidArgument,
                "the grammar comes to " + std::to_string(grammar.size()) + " bytes, " +
                    std::to_string(rules) + " rules and " + std::to_string(elements) +
                    " elements; served are " + std::to_string(kMaxGrammarBytes) + ", " +
                    std::to_string(kMaxGrammarRules) + " and " +
                    std::to_string(kMaxGrammarElements) + ": use fewer or smaller schemas");
  }
  return grammar;
}

Result<Plaintext> SchemaGrammar(const json::Value& schema) {
  Builder builder;
  Result<std::string> rule = builder.AddSchema(schema);
  if (!rule) {
    return std::unexpected(rule.error());
  }
  Result<Plaintext> grammar = builder.Take(PlaintextView::Of(*rule));
  if (!grammar) {
    grammar.error().param = schema.path();
  }
  return grammar;
}

Result<Plaintext> AnyObjectGrammar() {
  Builder builder;
  const std::string rule = builder.AddAnyObject();
  return builder.Take(PlaintextView::Of(rule));
}

}  // namespace casemate::grammar
