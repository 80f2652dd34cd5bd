#pragma once

#include <map>
#include <string>
#include <vector>

#include "assess/catalogue.h"
#include "assess/pipeline.h"

namespace casemate::assess {

// Puts a Pipeline together from a file and from what it uses of the catalogue, the most general
// first: what is said later replaces what was said before. Used by Pipeline::Parse alone.
class PipelineReader {
 public:
  PipelineReader(std::string file, const Catalogue& catalogue)
      : file_(std::move(file)), catalogue_(catalogue) {}

  [[nodiscard]] Result<Pipeline> Read(const yaml::Node& root);

 private:
  // One file that says something, with what it says of its facts as a whole.
  struct Layer {
    std::string file;
    std::string used_as;  // the `use:` that brought it, or empty for the pipeline itself
    const yaml::Node* root = nullptr;
    Evidence evidence;
    std::map<std::string, Evidence, std::less<>> sources;
  };

  Result<void> ReadHeader(const yaml::Node& root);
  Result<void> ReadLabels(const yaml::Node& root);
  Result<void> CollectLayers(const yaml::Node& root);
  Result<void> ReadSources(Layer& layer) const;
  Result<void> ReadEvidence(const Layer& layer, const yaml::Node& node, Evidence& evidence) const;
  Result<void> Declare(const Layer& layer);
  Result<void> DeclareElement(const Layer& layer, Kind kind, const yaml::Entry& entry);
  Result<void> Fill(const Layer& layer);
  Result<void> FillElement(const Layer& layer, Kind kind, const yaml::Entry& entry);
  Result<void> FillFact(const Layer& layer, std::size_t element, const yaml::Entry& entry,
                        const Evidence& evidence);
  void AddUnsaidHops();
  Result<void> AddLifetimes(const yaml::Node& root);
  Result<void> CheckAttacks() const;
  Result<void> Check() const;
  Result<void> CheckCycles(Kind kind, std::string_view field, std::string_view what) const;

  // "FILE:" before an error that begins with LINE:COLUMN.
  static std::unexpected<Error> In(const std::string& file, const Error& error);

  std::string file_;
  const Catalogue& catalogue_;
  Pipeline pipeline_;
  std::vector<Layer> layers_;
  std::map<std::string, std::string, std::less<>> used_as_;  // element id -> the use that made it
  yaml::Mark you_mark_;
  std::string you_id_;
};

// A mapping's names are of these; the error names the nearest.
[[nodiscard]] Result<void> OnlyNames(const yaml::Node& mapping,
                                     const std::vector<std::string_view>& names,
                                     std::string_view what);
// The scalar `name` of a mapping; "" when it is not there.
[[nodiscard]] Result<std::string> TextOf(const yaml::Node& mapping, std::string_view name);
// As TextOf, but it has to be there and must not be empty.
[[nodiscard]] Result<std::string> RequiredText(const yaml::Node& mapping, std::string_view name);
bool IsId(std::string_view text);  // [a-z0-9][a-z0-9._-]{0,63}, and not you, none or unknown

}  // namespace casemate::assess
