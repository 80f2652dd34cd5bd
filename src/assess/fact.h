#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assess/yaml/node.h"

// One statement about one element of a pipeline, and why anybody should believe it.
namespace casemate::assess {

// How sure a fact is; the weakest first, so that std::min is the confidence of a chain.
enum class Confidence : unsigned char {
  kUnknown,     // nobody says; the value counts as unknown, which is never "no"
  kClaimed,     // somebody says so
  kContract,    // somebody has promised it, and would be liable
  kDocumented,  // the vendor's public documentation says so
  kAttested,    // a verified attestation, or an auditor's report, shows it
  kMeasured,    // seen by a measurement of one's own
};
std::string_view ConfidenceName(Confidence confidence);  // "measured"
std::optional<Confidence> ParseConfidence(std::string_view name);
std::vector<std::string_view> ConfidenceNames();

struct Evidence {
  std::string source;  // a title, an address, "casemate flows probe ..."; for people
  std::string date;    // YYYY-MM-DD of what the source says
  Confidence confidence = Confidence::kClaimed;
};

// Where a fact stands in a file.
struct Place {
  std::string file;  // as the user named it; "catalogue ID" for the catalogue's
  yaml::Mark mark;
  std::string Text() const;  // FILE:LINE:COLUMN
};

// The value of one field. What the numbers mean follows from the field's type (vocabulary.h):
// index of the word, index of the element in the pipeline, country code, number, place of the
// label. kNone is the value "none".
struct Fact {
  static constexpr std::int32_t kNone = -1;

  bool known = false;
  std::vector<std::int32_t> values;  // one; several for a list; kNone alone for "none"
  std::string text;                  // as written, or FieldType::kText
  Evidence evidence = {.source = {}, .date = {}, .confidence = Confidence::kUnknown};
  Place place;

  bool is_none() const { return known && values.size() == 1 && values[0] == kNone; }
};

// Two letters as a number, and back. ISO 3166-1 alpha-2; EU is taken as a country too.
std::optional<std::int32_t> ParseCountry(std::string_view code);
std::string CountryName(std::int32_t code);

// YYYY-MM-DD, a day that there is.
bool IsDate(std::string_view text);
// Days from 1970-01-01. Precondition: IsDate.
std::int64_t DayOf(std::string_view date);

}  // namespace casemate::assess
