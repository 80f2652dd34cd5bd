#include <iostream>
#include <memory>

#include "app/assess_input.h"
#include "app/command_output.h"
#include "assess/import.h"
#include "json/writer.h"

// What descriptions are made from: `casemate assess catalogue`, `import` and `schema`.
namespace casemate::app {
namespace {

struct ImportCommand {
  std::string file;
  std::string out;
};

struct CatalogueCommand {
  std::string folder;
  bool json = false;
};

Result<ExitStatus> RunImport(const ImportCommand& command) {
  if (Result<void> confined = Confine({command.file}, command.out); !confined) {
    return std::unexpected(confined.error());
  }
  Result<std::string> text = ReadText(command.file);
  if (!text) {
    return std::unexpected(text.error());
  }
  Result<std::string> imported = assess::ImportModel(*text, command.file);
  if (!imported) {
    return EndedAssess(imported.error());
  }
  Result<void> written = WriteReport(command.out, *imported);
  return written ? Result<ExitStatus>(ExitStatus::kOk) : std::unexpected(written.error());
}

Result<ExitStatus> RunCatalogue(const CatalogueCommand& command) {
  if (Result<void> confined = Confine({command.folder}, {}); !confined) {
    return std::unexpected(confined.error());
  }
  Result<assess::Catalogue> catalogue = command.folder.empty()
                                            ? assess::Catalogue::BuiltIn()
                                            : assess::Catalogue::FromFolder(command.folder);
  if (!catalogue) {
    return EndedAssess(catalogue.error());
  }
  if (command.json) {
    json::Writer out;
    out.BeginObject().Key("entries").BeginArray();
    for (const auto& [id, entry] : catalogue->entries()) {
      out.BeginObject().Key("id").String(id).Key("vendor").String(entry.vendor).Key("service");
      out.String(entry.service).Key("model").String(entry.model).Key("configuration");
      out.String(entry.configuration).Key("date").String(entry.date).Key("extends");
      out.String(entry.extends).EndObject();
    }
    out.EndArray().EndObject();
    PrintJson(out.Take());
    return ExitStatus::kOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [id, entry] : catalogue->entries()) {
    rows.push_back({id, entry.vendor, entry.service, entry.model, entry.configuration, entry.date});
  }
  PrintTable({"ID", "VENDOR", "SERVICE", "MODEL", "CONFIGURATION", "DATE"}, rows);
  return ExitStatus::kOk;
}

}  // namespace

void AddAssessDescribe(CommandLine& line) {
  auto catalogue = std::make_shared<CatalogueCommand>();
  line.Add("assess catalogue",
           "The services that a description can use:", "casemate assess catalogue",
           [catalogue] { return RunCatalogue(*catalogue); })
      .Text("--catalogue", catalogue->folder, "A folder of services instead of the built-in ones")
      .Flag("--json", catalogue->json, "Print JSON");

  auto import = std::make_shared<ImportCommand>();
  line.Add("assess import", "A Threagile or OWASP threat model as a description to go on from",
           "casemate assess import threagile.yaml --out pipeline.yaml",
           [import] { return RunImport(*import); })
      .Required("file", import->file, "Threagile YAML, or the OWASP format's JSON")
      .Text("--out", import->out, "Write to this file instead of standard output");

  line.Add("assess schema", "The JSON Schema of descriptions, for editors",
           "casemate assess schema > pipeline.schema.json", []() -> Result<ExitStatus> {
             std::cout << assess::PipelineSchema() << std::flush;
             return ExitStatus::kOk;
           });
}

}  // namespace casemate::app
