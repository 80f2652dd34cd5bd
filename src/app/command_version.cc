#include <memory>

#include "app/command_line.h"
#include "app/command_output.h"
#include "json/writer.h"

namespace casemate::app {

void AddVersion(CommandLine& line) {
  auto json = std::make_shared<bool>(false);
  line.Add("version", "Print the version", "casemate version",
           [json]() -> Result<ExitStatus> {
             if (*json) {
               json::Writer writer;
               writer.BeginObject().Key("version").String(CASEMATE_VERSION).EndObject();
               PrintJson(writer.Take());
             } else {
               PrintLine("casemate " CASEMATE_VERSION);
             }
             return ExitStatus::kOk;
           })
      .Flag("--json", *json, "Print JSON");
}

}  // namespace casemate::app
