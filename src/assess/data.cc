#include "assess/data.h"

namespace casemate::assess {

std::vector<DataFile> DataFiles(std::string_view prefix) {
  std::vector<DataFile> files;
  for (const DataFile& file : AllDataFiles()) {
    if (file.name.starts_with(prefix)) {
      files.push_back(file);
    }
  }
  return files;
}

}  // namespace casemate::assess
