#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "assess/rule.h"
#include "assess/yaml/node.h"

// The small language of rules: conditions, premises and the paths in them. docs/formats/rules.md.
namespace casemate::assess {

// A list of conditions and {any: [...]}; nullptr: none. Errors: kInvalidArgument with LINE:COLUMN.
[[nodiscard]] Result<std::vector<AnyOf>> ReadConditions(const yaml::Node* node, Kind of);
// "memory of key.released_to". Errors as above.
[[nodiscard]] Result<Premise> ReadPremise(const yaml::Node& node, Kind of);

// The kinds that can be `form` of something.
bool FormFits(Form form, Kind kind);
std::optional<Form> ParseForm(std::string_view name);
std::optional<Step> ParseStep(std::string_view name);

}  // namespace casemate::assess
