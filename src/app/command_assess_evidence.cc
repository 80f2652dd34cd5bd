#include <memory>

#include "app/assess_input.h"
#include "app/command_output.h"
#include "assess/report_contradictions.h"
#include "json/writer.h"

// `casemate assess evidence`: what exports of the vendors' tools show, and whether a description
// agrees.
namespace casemate::app {
namespace {

struct EvidenceCommand {
  std::vector<std::string> files;
  std::string pipeline;
  std::string catalogue;
  bool json = false;
};

std::string ValuesOf(const assess::ExportFact& fact) {
  std::string text = fact.not_you ? "not you" : "";
  for (const std::string& value : fact.values) {
    text += (text.empty() ? "" : " or ") + value;
  }
  return text;
}

std::string NameOf(const assess::ExportFact& fact) {
  return (fact.element.empty() ? "(" + std::string(InfoOf(fact.kind).name) + ")" : fact.element) +
         "." + fact.field;
}

void WriteFile(json::Writer& out, const assess::Export& content) {
  out.BeginObject().Key("file").String(content.file).Key("kind").String(content.kind);
  out.Key("command").String(content.title).Key("subject").String(content.subject);
  out.Key("date").String(content.date).Key("confidence");
  out.String(ConfidenceName(content.confidence)).Key("facts").BeginArray();
  for (const assess::ExportFact& fact : content.facts) {
    out.BeginObject().Key("kind").String(InfoOf(fact.kind).name).Key("element");
    out.String(fact.element).Key("field").String(fact.field).Key("values").BeginArray();
    for (const std::string& value : fact.values) {
      out.String(value);
    }
    out.EndArray().Key("not_you").Bool(fact.not_you).Key("path").String(fact.path);
    out.Key("why").String(fact.why).EndObject();
  }
  out.EndArray().Key("notes").BeginArray();
  for (const assess::ExportNote& note : content.notes) {
    out.BeginObject().Key("path").String(note.path).Key("text").String(note.text).EndObject();
  }
  out.EndArray().EndObject();
}

void ShowJson(const std::vector<assess::BoundExport>& exports, const assess::Applied& applied) {
  json::Writer out;
  out.BeginObject().Key("report").String("casemate-evidence").Key("format").Integer(1);
  out.Key("files").BeginArray();
  for (const assess::BoundExport& bound : exports) {
    WriteFile(out, bound.content);
  }
  out.EndArray().Key("contradictions").BeginArray();
  for (const assess::Contradiction& one : applied.contradictions) {
    out.BeginObject().Key("element").String(one.element).Key("field").String(one.field);
    out.Key("claimed").String(one.claimed).Key("claimed_source").String(one.claimed_by.source);
    out.Key("claimed_confidence").String(ConfidenceName(one.claimed_by.confidence));
    out.Key("claimed_at").String(one.claimed_at.Text()).Key("found").String(one.found);
    out.Key("file").String(one.file).Key("path").String(one.path).Key("why").String(one.why);
    out.EndObject();
  }
  out.EndArray().Key("unused").BeginArray();
  for (const assess::UnusedFact& fact : applied.unused) {
    out.BeginObject().Key("file").String(fact.file).Key("path").String(fact.path).Key("text");
    out.String(fact.text).EndObject();
  }
  out.EndArray().EndObject();
  PrintJson(out.Take());
}

void Show(const assess::Export& content) {
  PrintLine(content.file + ": " + content.title +
            (content.subject.empty() ? "" : ", " + content.subject) + " (" +
            std::string(ConfidenceName(content.confidence)) + ", " + content.date + ")");
  std::vector<std::vector<std::string>> rows;
  rows.reserve(content.facts.size());
  for (const assess::ExportFact& fact : content.facts) {
    rows.push_back({NameOf(fact), ValuesOf(fact), fact.path, fact.why});
  }
  if (!rows.empty()) {
    PrintTable({"FACT", "VALUE", "WHERE", "WHY"}, rows);
  }
  for (const assess::ExportNote& note : content.notes) {
    PrintLine("note: " + note.text + " (" + note.path + ")");
  }
}

Result<ExitStatus> Run(const EvidenceCommand& command) {
  std::vector<std::string> reads = {command.pipeline, command.catalogue};
  reads.reserve(reads.size() + command.files.size());
  for (const std::string& word : command.files) {
    reads.push_back(ParseEvidenceWord(word).file);
  }
  if (Result<void> confined = Confine(reads, {}); !confined) {
    return std::unexpected(confined.error());
  }
  std::vector<assess::BoundExport> exports;
  for (const std::string& word : command.files) {
    Result<assess::BoundExport> evidence = ReadEvidence(word);
    if (!evidence) {
      return EndedAssess(evidence.error());
    }
    exports.push_back(*std::move(evidence));
  }
  assess::Applied applied;
  if (!command.pipeline.empty()) {
    Result<assess::Catalogue> catalogue = command.catalogue.empty()
                                              ? assess::Catalogue::BuiltIn()
                                              : assess::Catalogue::FromFolder(command.catalogue);
    if (!catalogue) {
      return EndedAssess(catalogue.error());
    }
    Result<std::string> text = ReadText(command.pipeline);
    if (!text) {
      return std::unexpected(text.error());
    }
    Result<assess::Pipeline> pipeline =
        assess::Pipeline::Parse(*text, command.pipeline, *catalogue);
    if (!pipeline) {
      return EndedAssess(pipeline.error());
    }
    Result<assess::Applied> found = assess::ApplyEvidence(*pipeline, exports);
    if (!found) {
      return EndedAssess(found.error());
    }
    applied = *std::move(found);
  }
  if (command.json) {
    ShowJson(exports, applied);
  } else {
    for (const assess::BoundExport& bound : exports) {
      Show(bound.content);
    }
    Result<assess::Language> language = assess::Language::BuiltIn("en");
    if (!language) {
      return std::unexpected(language.error());
    }
    for (const assess::Contradiction& contradiction : applied.contradictions) {
      PrintLine("contradiction: " + ContradictionText(*language, contradiction));
    }
    for (const assess::UnusedFact& fact : applied.unused) {
      PrintLine("not used: " + fact.file + ", " + fact.path + ": " + fact.text +
                "; ELEMENT=" + fact.file + " says of which element");
    }
    if (!command.pipeline.empty() && applied.contradictions.empty()) {
      PrintLine("facts of the description that rest on this evidence: " +
                std::to_string(applied.stated) + "; nothing contradicts it");
    }
  }
  return applied.contradictions.empty() ? ExitStatus::kOk : ExitStatus::kFailed;
}

}  // namespace

void AddAssessEvidence(CommandLine& line) {
  auto command = std::make_shared<EvidenceCommand>();
  line.Add("assess evidence", "What exports of the vendors' tools show, as facts of a description",
           "az cognitiveservices account show -n NAME -g GROUP > account.json\n"
           "  casemate assess evidence account.json --pipeline pipeline.yaml",
           [command] { return Run(*command); })
      .Many("file", command->files, "[ELEMENT=]FILE, as JSON: docs/formats/evidence.md", true)
      .Text("--pipeline", command->pipeline,
            "A description to compare: ends with 1 where the two contradict each other")
      .Text("--catalogue", command->catalogue, "A folder of services instead of the built-in ones")
      .Flag("--json", command->json, "Print JSON");
}

}  // namespace casemate::app
