#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/tool_request.h"
#include "base/error.h"
#include "json/reader.h"
#include "secmem/plaintext.h"

namespace casemate::api {

// "response_format" of chat and "text.format" of responses: what the answer's text must be.
struct AnswerFormat {
  enum class Kind { kText, kJsonObject, kJsonSchema };
  Kind kind = Kind::kText;
  std::optional<json::Value> schema;  // with kJsonSchema; a view into the request's body
};

// `format`: {"type": "text" | "json_object"}, or {"type": "json_schema", ...} whose name, schema,
// strict and description stand in "json_schema" (`nested`: chat) or beside the type (responses).
// Errors: kInvalidArgument.
[[nodiscard]] Result<AnswerFormat> ReadFormat(const json::Value& format, bool nested);

// The grammar that holds a model to a format and to the calls of functions, or nothing where the
// answer is free (docs/api.md, "Tools"). Functions that are not strict and whose schema no grammar
// can hold get any JSON object as arguments where they must be called; what could not be held is
// added to `ignored`. Errors: kInvalidArgument: a schema that is not served, with its place.
[[nodiscard]] Result<Plaintext> AnswerGrammar(const AnswerFormat& format, const ToolRequest& tools,
                                              std::vector<std::string>& ignored);

}  // namespace casemate::api
