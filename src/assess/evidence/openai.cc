#include <array>

#include "assess/evidence/export_kinds.h"

// OpenAI: the organisation's data retention as its administration API answers, and, for what that
// does not have, a small file of our own (docs/formats/evidence.md).
namespace casemate::assess {
namespace {

constexpr At kEngine = {.kind = Kind::kProcessor, .element = "openai-engine"};
constexpr At kLogs = {.kind = Kind::kStore, .element = "openai-abuse-logs"};
constexpr std::string_view kOwnFormat = "casemate-openai-data-controls/1";

Result<void> SayRetention(const std::string& type, const std::string& path, Export& out) {
  if (type == "zero_data_retention" || type == "modified_abuse_monitoring") {
    Say(out, kLogs, "holds", {"metadata"}, path,
        type + ": content is left out of abuse monitoring logs");
    Note(out, path,
         type == "zero_data_retention"
             ? "store is taken as false; endpoints that are not eligible keep their state"
             : "application state of all endpoints stays as it is");
  } else if (type == "default") {
    Say(out, kLogs, "holds", {"content, logs"}, path, "content is in abuse monitoring logs");
    Say(out, kLogs, "retention_days", {"30"}, path, "up to, unless law or harm asks for longer");
  } else if (type.starts_with("enhanced_")) {
    Note(out, path,
         type + ": what the enhanced forms keep is not documented; nothing is concluded");
  } else {
    return Fail(ErrorCode::kInvalidArgument,
                path +
                    ": expected zero_data_retention, modified_abuse_monitoring or one of their "
                    "enhanced forms, found \"" +
                    type + "\"");
  }
  return {};
}

Result<void> ReadOrganisation(const json::Value& root, Export& out) {
  out.subject = "organisation";
  Result<std::string> type = TextAt(root, "type");
  return type ? SayRetention(*type, "type", out) : std::unexpected(type.error());
}

Result<void> ReadOwn(const json::Value& root, Export& out) {
  out.confidence = Confidence::kClaimed;  // somebody typed it from the console
  Result<std::string> retention = TextAt(root, "retention");
  Result<std::optional<bool>> shared = FlagAt(root, "share_inputs_and_outputs");
  Result<std::string> date = TextAt(root, "date");
  Result<std::string> name = TextAt(root, "organisation");
  if (!retention || !shared || !date || !name) {
    return std::unexpected(!retention ? retention.error()
                           : !shared  ? shared.error()
                           : !date    ? date.error()
                                      : name.error());
  }
  if (!IsDate(*date)) {
    return Fail(ErrorCode::kInvalidArgument, "date: expected YYYY-MM-DD, found \"" + *date + "\"");
  }
  out.date = *date;
  out.subject = *name;
  if (shared->has_value()) {
    Say(out, kEngine, "training", {**shared ? "yes" : "no"}, "share_inputs_and_outputs",
        **shared ? "inputs and outputs are shared to improve models" : "not shared");
  }
  return SayRetention(*retention, "retention", out);
}

constexpr std::array<ExportKind, 2> kReaders = {{
    {{"openai-retention", "GET https://api.openai.com/v1/organization/data_retention"},
     [](const json::Value& root) {
       return PeekText(root, "object") == "organization.data_retention";
     },
     ReadOrganisation},
    {{"openai-data-controls", "casemate-openai-data-controls/1, docs/formats/evidence.md"},
     [](const json::Value& root) { return PeekText(root, "format") == kOwnFormat; },
     ReadOwn},
}};

}  // namespace

std::span<const ExportKind> OpenAiExports() { return kReaders; }

}  // namespace casemate::assess
