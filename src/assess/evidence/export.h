#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "assess/fact.h"
#include "assess/vocabulary.h"
#include "base/error.h"

// What vendors' own tools export, as facts: docs/formats/evidence.md.
namespace casemate::assess {

// What an export says of one field of one element.
struct ExportFact {
  Kind kind = Kind::kProcessor;
  std::string element;  // as the catalogue's entries call it; empty: whoever reads it has to say
  std::string field;    // name in the vocabulary
  // What it leaves possible, as a pipeline file writes it. One: a fact. Several: it says less than
  // the vocabulary asks, and still contradicts any other value.
  std::vector<std::string> values;
  bool not_you = false;  // instead of values: anybody but the party that asks
  std::string path;      // where it stands, "properties.capabilities[3].value"
  std::string why;       // one sentence
};

// Worth reading, and no field of a pipeline.
struct ExportNote {
  std::string path;
  std::string text;
};

struct Export {
  std::string file;
  std::string kind;     // "azure-account"
  std::string title;    // the command that makes it
  std::string subject;  // what it is about, in its own words; may be empty
  std::string date;     // YYYY-MM-DD: its own, else the caller's
  Confidence confidence = Confidence::kMeasured;
  std::vector<ExportFact> facts;
  std::vector<ExportNote> notes;
};

struct ExportKindInfo {
  std::string_view kind;
  std::string_view title;
};
std::vector<ExportKindInfo> ExportKinds();

// Recognised by content. `date` is taken where the export has none of its own: the day of the file.
//
// Errors: kInvalidArgument: "FILE: ..." for what is no JSON (with byte and line), none of the kinds
// (naming them), or a member of another type (with its path). kTooLarge: over 16 MiB, 32 levels or
// 500,000 values.
[[nodiscard]] Result<Export> ReadExport(std::string_view text, const std::string& file,
                                        const std::string& date);

}  // namespace casemate::assess
