#include "api/answer_format.h"

#include <algorithm>
#include <array>

#include "api/fields.h"
#include "api/tool_calls.h"
#include "grammar/builder.h"
#include "grammar/gbnf.h"

namespace casemate::api {
namespace {

constexpr std::string_view kPlainServed[] = {"type"};
constexpr std::string_view kNestedServed[] = {"type", "json_schema"};
constexpr std::string_view kSchemaServed[] = {"name", "schema", "strict", "description"};

Result<AnswerFormat> ReadSchemaFormat(const json::Value& holder,
                                      std::span<const std::string_view> beside) {
  Result<std::vector<std::string>> known = CheckFields(holder, {kSchemaServed, {}, beside});
  if (!known) {
    return std::unexpected(known.error());
  }
  Result<json::Value> name = holder.Require("name");
  if (!name) {
    return std::unexpected(name.error());
  }
  if (Result<std::string> read = name->AsName(64); !read) {
    return std::unexpected(read.error());
  }
  // Without "strict" OpenAI tries its best; this server's best is the same grammar.
  if (Result<bool> strict = ReadBool(holder, "strict", false); !strict) {
    return std::unexpected(strict.error());
  }
  Result<json::Value> schema = holder.Require("schema");
  if (!schema) {
    return std::unexpected(schema.error());
  }
  return AnswerFormat{.kind = AnswerFormat::Kind::kJsonSchema, .schema = *schema};
}

// Puts the rules of calls together: one "call-rest" for each form that models write.
class CallRules {
 public:
  CallRules(grammar::Builder& builder, const ToolRequest& tools, std::vector<std::string>& ignored)
      : builder_(builder), tools_(tools), ignored_(ignored) {}

  Result<void> Add() {
    builder_.Need("json-comma");
    Plaintext call;
    for (const ToolFunction& function : tools_.functions) {
      if (tools_.choice == ToolRequest::Choice::kNamed && function.name != tools_.named) {
        continue;
      }
      Result<std::string> arguments = Arguments(function);
      if (!arguments) {
        return std::unexpected(arguments.error());
      }
      call.AppendLiteral(call.empty() ? "" : " | ");
      call.AppendLiteral(R"("{\"name\":" json-space )");
      grammar::WriteJsonString(call, PlaintextView::Of(function.name));
      call.AppendLiteral(R"( json-comma "\"arguments\":" json-space )" + *arguments + R"( "}")");
    }
    builder_.AddRule("call", call);
    const bool several = tools_.parallel && tools_.choice != ToolRequest::Choice::kNamed;
    const std::string more =
        several ? "{0," + std::to_string(kMaxParallelCalls - 1) + "}" : std::string();
    // What follows the opening mark of each form.
    std::string hermes = R"("\n"? call "\n"? "</tool_call>")";
    std::string mistral = R"(json-space "[" call "]")";
    if (several) {
      hermes += R"( ("\n"? "<tool_call>" "\n"? call "\n"? "</tool_call>"))" + more;
      mistral = R"(json-space "[" call (json-comma call))" + more + R"( "]")";
    }
    builder_.AddRule("hermes-rest", PlaintextView::Of(hermes));
    builder_.AddRule("mistral-rest", PlaintextView::Of(mistral));
    builder_.AddRule(
        "calls", PlaintextView::Of(R"("<tool_call>" hermes-rest | "[TOOL_CALLS]" mistral-rest)"));
    return {};
  }

  // "text-0": any text in which an opening mark is followed by what must follow it. One rule for
  // each beginning of a mark that may just have been written (Aho and Corasick, 1975).
  void AddFreeText() {
    std::vector<std::string> states = {""};
    for (std::string_view mark : kMarks) {
      for (std::size_t size = 1; size < mark.size(); ++size) {
        states.emplace_back(mark.substr(0, size));
      }
    }
    for (std::size_t i = 0; i < states.size(); ++i) {
      std::string rule = "\"\"";
      grammar::CodeSet special;
      for (const char c : std::string_view("<tool_call>[TOOL_CALLS]")) {
        const auto code = static_cast<char32_t>(c);
        const std::string next = LongestBeginning(states[i] + c);
        if (next.empty() || std::any_of(special.begin(), special.end(),
                                        [&](const auto& range) { return range.first == code; })) {
          continue;
        }
        special.push_back({code, code});
        const auto state = std::find(states.begin(), states.end(), next);
        rule += std::string(" | \"") + c + "\" " +
                (next == kMarks[0]   ? "hermes-rest"
                 : next == kMarks[1] ? "mistral-rest"
                                     : "text-" + std::to_string(state - states.begin()));
      }
      Plaintext text;
      text.AppendLiteral(rule + " | ");
      grammar::WriteClass(text, grammar::Complement(grammar::Normalized(special)));
      text.AppendLiteral(" text-0");
      builder_.AddRule("text-" + std::to_string(i), text);
    }
  }

 private:
  static constexpr std::array<std::string_view, 2> kMarks = {kHermesMark, kMistralMark};

  static std::string LongestBeginning(std::string text) {
    for (; !text.empty(); text.erase(0, 1)) {
      for (std::string_view mark : kMarks) {
        if (mark.starts_with(text)) {
          return text;
        }
      }
    }
    return text;
  }

  Result<std::string> Arguments(const ToolFunction& function) {
    if (!function.parameters) {
      return builder_.AddAnyObject();
    }
    Result<std::string> rule = builder_.AddSchema(*function.parameters);
    if (rule || function.strict) {
      return rule;
    }
    ignored_.push_back(rule.error().param);
    return builder_.AddAnyObject();
  }

  grammar::Builder& builder_;
  const ToolRequest& tools_;
  std::vector<std::string>& ignored_;
};

}  // namespace

Result<AnswerFormat> ReadFormat(const json::Value& format, bool nested) {
  Result<json::Value> type_value = format.Require("type");
  if (!type_value) {
    return std::unexpected(type_value.error());
  }
  Result<std::string> type = type_value->AsName(32);
  if (!type) {
    return std::unexpected(type.error());
  }
  if (*type == "json_schema" && !nested) {
    return ReadSchemaFormat(format, kPlainServed);
  }
  const bool with_schema = *type == "json_schema";
  Result<std::vector<std::string>> known =
      CheckFields(format, {with_schema ? std::span<const std::string_view>(kNestedServed)
                                       : std::span<const std::string_view>(kPlainServed),
                           {}});
  if (!known) {
    return std::unexpected(known.error());
  }
  if (with_schema) {
    Result<json::Value> holder = format.Require("json_schema");
    return holder ? ReadSchemaFormat(*holder, {}) : std::unexpected(holder.error());
  }
  if (*type != "text" && *type != "json_object") {
    return BadField(*type_value, "Invalid '" + type_value->path() +
                                     "': expected 'text', 'json_object' or 'json_schema', found '" +
                                     *type + "'.");
  }
  return AnswerFormat{
      .kind = *type == "text" ? AnswerFormat::Kind::kText : AnswerFormat::Kind::kJsonObject,
      .schema = std::nullopt};
}

Result<Plaintext> AnswerGrammar(const AnswerFormat& format, const ToolRequest& tools,
                                std::vector<std::string>& ignored) {
  const bool strict = std::any_of(tools.functions.begin(), tools.functions.end(),
                                  [](const ToolFunction& function) { return function.strict; });
  const bool free = format.kind == AnswerFormat::Kind::kText;
  const bool calls = tools.offered() && (tools.forced() || strict || !free);
  if (free && !calls) {
    return Plaintext();
  }
  grammar::Builder builder;
  std::string root;
  if (!free && !tools.forced()) {
    Result<std::string> document = format.schema ? builder.AddSchema(*format.schema)
                                                 : Result<std::string>(builder.AddAnyObject());
    if (!document) {
      return std::unexpected(document.error());
    }
    root = *document;
  }
  if (calls) {
    CallRules rules(builder, tools, ignored);
    if (Result<void> added = rules.Add(); !added) {
      return std::unexpected(added.error());
    }
    if (free && !tools.forced()) {
      rules.AddFreeText();
      root = "text-0";
    } else {
      root += root.empty() ? "calls" : " | calls";
    }
  }
  Result<Plaintext> grammar = builder.Take(PlaintextView::Of(root));
  if (!grammar) {
    Error error = grammar.error();
    error.param = calls ? "tools" : format.schema ? format.schema->path() : "response_format";
    return std::unexpected(std::move(error));
  }
  return grammar;
}

}  // namespace casemate::api
