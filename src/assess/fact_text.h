#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "assess/fact.h"
#include "assess/pipeline.h"

namespace casemate::assess {

// A value as YAML that reads back to the same text: small words as they are, everything else in
// quotes. Control characters become '?'.
std::string YamlText(std::string_view text);

// `{value: ..., source: ..., date: ..., confidence: ...}`, for a line after "FIELD: ". A list of
// values has brackets. What is unknown has no confidence.
std::string FactText(const std::vector<std::string>& values, bool is_list,
                     const Evidence& evidence);

// A pipeline as the text of a file that needs no catalogue and reads back to the same facts, each
// with its source, date and confidence; fields that nobody stated stand there as unknown, to be
// filled in. Each line of `comment` comes first, behind "# ".
std::string DescribePipeline(const Pipeline& pipeline, std::string_view comment);

}  // namespace casemate::assess
