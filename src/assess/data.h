#pragma once

#include <span>
#include <string_view>
#include <vector>

// The files of data/, built into the program: rules, legal facts, texts, the catalogue, and the
// reference pipelines of examples/pipelines. Each can be replaced by an option of the command.
namespace casemate::assess {

struct DataFile {
  std::string_view name;  // path below data/, or "examples/pipelines/..."
  std::string_view text;
};

// Those whose name begins with `prefix`, by name.
std::vector<DataFile> DataFiles(std::string_view prefix);

// What the build generates.
std::span<const DataFile> AllDataFiles();

}  // namespace casemate::assess
