#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "grammar/schema.h"
#include "json/reader.h"
#include "secmem/plaintext.h"

namespace casemate::grammar {

inline constexpr std::size_t kMaxGrammarBytes = std::size_t{256} * 1024;
inline constexpr std::size_t kMaxGrammarRules = 4096;
// Elements that the engine makes of a grammar when it writes its counts out.
inline constexpr std::size_t kMaxGrammarElements = 50'000;

// Puts one grammar together from schemas and rules of the caller's own. Every rule that it adds
// matches JSON text without white space but an optional space after ":" and ",".
class Builder {
 public:
  // The rule of documents that meet `schema`. Errors: as ReadSchema.
  [[nodiscard]] Result<std::string> AddSchema(const json::Value& schema);
  // The rule of any JSON object.
  std::string AddAnyObject();
  // A rule of the caller's. `name`: letters, digits and '-', not beginning with "s-" or "json-".
  void AddRule(std::string_view name, PlaintextView expression);
  // A rule that schemas share, added once with those that it needs: "json-space", "json-comma",
  // "json-string", "json-value", ... (builder.cc lists them).
  void Need(std::string_view shared);

  // The grammar; nothing is left in the builder. Errors: kInvalidArgument: over the limits above.
  [[nodiscard]] Result<Plaintext> Take(PlaintextView root_expression);

 private:
  friend class SchemaWriter;
  Plaintext rules_;
  std::size_t elements_ = 0;
  std::size_t rule_count_ = 1;  // with the root
  std::size_t schemas_ = 0;
  std::set<std::string, std::less<>> shared_;
};

// The grammars of the two JSON modes. Errors: as ReadSchema and Builder::Take.
[[nodiscard]] Result<Plaintext> SchemaGrammar(const json::Value& schema);
[[nodiscard]] Result<Plaintext> AnyObjectGrammar();

}  // namespace casemate::grammar
