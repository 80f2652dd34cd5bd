#include <memory>

#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "audit/verify/log_reader.h"
#include "base/clock.h"
#include "base/file.h"
#include "json/writer.h"
#include "policy/label.h"
#include "policy/release.h"

// The log is read from its folder: no server is needed, and a copy of the folder will do.
namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxNoteBytes = 131072;

struct AuditOptions {
  std::string dir;
  std::string keys;
  std::string since;
  std::uint64_t from = 0;
  std::uint64_t count = 50;
  std::uint64_t index = 0;
  bool json = false;
};

struct Log {
  fs::path folder;
  std::vector<audit::VerifierKey> keys;
};

Result<Log> FindLog(const AuditOptions& options) {
  const fs::path folder = fs::path(options.dir) / "audit";
  const fs::path key_file = options.keys.empty() ? folder / "log.vkey" : fs::path(options.keys);
  Result<Bytes> text = ReadFile(key_file, kMaxNoteBytes);
  if (!text) {
    return Wrap(text.error(), "the log's verifier keys, " + key_file.string());
  }
  Result<std::vector<audit::VerifierKey>> keys = audit::ParseVerifierKeys(AsText(*text));
  if (!keys) {
    return Wrap(keys.error(), key_file.string());
  }
  return Log{folder, std::move(*keys)};
}

Result<audit::LogReader> OpenLog(const AuditOptions& options) {
  Result<Log> log = FindLog(options);
  if (!log) {
    return std::unexpected(log.error());
  }
  return audit::LogReader::Open(log->folder, std::move(log->keys));
}

std::string ShortHex(const audit::Commitment& commitment) {
  return commitment == audit::Commitment{} ? "-" : ToHex(commitment).substr(0, 12);
}

void PrintLeaf(const audit::ShownLeaf& shown) {
  const audit::Leaf& leaf = shown.leaf;
  std::string line = std::to_string(shown.index) + "  " + FormatUtc(leaf.unix_ms / 1000) + "  " +
                     std::string(audit::LeafTypeName(leaf.type)) + "  by " +
                     ShortHex(leaf.principal) + "  ticket " + ShortHex(leaf.ticket);
  if (leaf.justification != 0) {
    line += "  " + std::string(policy::JustificationName(
                       static_cast<policy::Justification>(leaf.justification)));
  }
  if (leaf.count > 0) {
    line += "  count " + std::to_string(leaf.count);
  }
  if (leaf.epoch > 0) {
    line += "  epoch " + std::to_string(leaf.epoch);
  }
  if (leaf.rule != 0) {
    line += "  rule " + std::to_string(leaf.rule);
  }
  PrintLine(line + (shown.in_checkpoint ? "" : "  (not yet under a checkpoint)"));
}

void PrintLeafJson(const audit::ShownLeaf& shown) {
  const audit::Leaf& leaf = shown.leaf;
  json::Writer writer;
  writer.BeginObject().Key("index").Integer(static_cast<std::int64_t>(shown.index));
  writer.Key("time_ms").Integer(leaf.unix_ms);
  writer.Key("type").String(audit::LeafTypeName(leaf.type));
  writer.Key("tenant").String(ToHex(leaf.tenant));
  writer.Key("principal").String(ToHex(leaf.principal));
  writer.Key("ticket").String(ToHex(leaf.ticket));
  writer.Key("justification")
      .String(policy::JustificationName(static_cast<policy::Justification>(leaf.justification)));
  writer.Key("level").Integer(leaf.level).Key("actions").Integer(leaf.actions);
  writer.Key("label").Integer(leaf.label).Key("purpose").Integer(leaf.purpose);
  writer.Key("rule").Integer(leaf.rule).Key("count").Integer(leaf.count);
  writer.Key("max_objects").Integer(leaf.max_objects);
  writer.Key("max_partitions").Integer(leaf.max_partitions);
  writer.Key("duration_ms").Integer(leaf.duration_ms);
  writer.Key("epoch").Integer(static_cast<std::int64_t>(leaf.epoch));
  writer.Key("objects").String(ToHex(leaf.objects));
  writer.Key("request").String(ToHex(leaf.request));
  writer.Key("in_checkpoint").Bool(shown.in_checkpoint).EndObject();
  PrintJson(writer.Take());
}

Result<ExitStatus> RunShow(const AuditOptions& options) {
  Result<audit::LogReader> log = OpenLog(options);
  if (!log) {
    return std::unexpected(log.error());
  }
  Result<void> shown = log->Show(options.from, options.count, [&](const audit::ShownLeaf& leaf) {
    if (options.json) {
      PrintLeafJson(leaf);
    } else {
      PrintLeaf(leaf);
    }
    return true;
  });
  return shown ? Result<ExitStatus>(ExitStatus::kOk) : std::unexpected(shown.error());
}

Result<ExitStatus> RunVerify(const AuditOptions& options) {
  Result<Log> log = FindLog(options);
  if (!log) {
    return std::unexpected(log.error());
  }
  std::string kept;
  if (!options.since.empty()) {
    Result<Bytes> note = ReadFile(options.since, kMaxNoteBytes);
    if (!note) {
      return std::unexpected(note.error());
    }
    kept = AsText(*note);
  }
  Result<audit::VerifyReport> report = audit::VerifyLog(log->folder, log->keys, kept);
  if (!report) {
    return std::unexpected(report.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("verified").Bool(true);
    writer.Key("origin").String(report->checkpoint.origin);
    writer.Key("entries").Integer(static_cast<std::int64_t>(report->entries));
    writer.Key("files").Integer(static_cast<std::int64_t>(report->files));
    writer.Key("in_journal").Integer(static_cast<std::int64_t>(report->in_journal));
    writer.Key("root").String(ToBase64(report->checkpoint.root)).EndObject();
    PrintJson(writer.Take());
    return ExitStatus::kOk;
  }
  PrintLine("verified: " + std::to_string(report->entries) + " entries in " +
            std::to_string(report->files) + " files hash to the signed root of " +
            report->checkpoint.origin);
  if (report->in_journal > 0) {
    PrintLine(std::to_string(report->in_journal) +
              " more are in the journal, durable but not under a checkpoint yet");
  }
  if (options.since.empty()) {
    PrintLine("tamper-evident to whoever kept a checkpoint: keep " +
              (log->folder / "checkpoint").string() + " elsewhere and pass it with --since");
  } else {
    PrintLine("the kept checkpoint is a beginning of this log");
  }
  return ExitStatus::kOk;
}

Result<ExitStatus> RunProve(const AuditOptions& options) {
  Result<audit::LogReader> log = OpenLog(options);
  if (!log) {
    return std::unexpected(log.error());
  }
  Result<std::string> proof = log->Prove(options.index);
  if (!proof) {
    return std::unexpected(proof.error());
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("index").Integer(static_cast<std::int64_t>(options.index));
    writer.Key("proof").String(*proof).EndObject();
    PrintJson(writer.Take());
  } else {
    PrintContent(PlaintextView::Of(*proof));
  }
  return ExitStatus::kOk;
}

}  // namespace

void AddAudit(CommandLine& line) {
  auto options = std::make_shared<AuditOptions>();
  line.Add("audit show", "Show entries of the log", "casemate audit show --dir D --from 100",
           [options] { return RunShow(*options); })
      .Required("--dir", options->dir, "The deployment's folder, or one with its audit/ in it")
      .Text("--keys", options->keys, "Verifier keys (default: D/audit/log.vkey)")
      .Number("--from", options->from, "First entry (default: 0)", 0, ~std::uint64_t{0} >> 1)
      .Number("--count", options->count, "At most so many (default: 50)", 1, 1'000'000'000)
      .Flag("--json", options->json, "Print a line of JSON per entry");
  line.Add("audit verify", "Verify every entry and file of the log against its signed root",
           "casemate audit verify --dir D --since checkpoint-of-last-month",
           [options] { return RunVerify(*options); })
      .Required("--dir", options->dir, "The deployment's folder, or one with its audit/ in it")
      .Text("--keys", options->keys, "Verifier keys (default: D/audit/log.vkey)")
      .Text("--since", options->since, "A checkpoint kept from before: must be a beginning")
      .Flag("--json", options->json, "Print JSON");
  line.Add("audit prove", "Print the inclusion proof of one entry",
           "casemate audit prove 17 --dir D", [options] { return RunProve(*options); })
      .Number("index", options->index, "The entry's number", 0, ~std::uint64_t{0} >> 1)
      .Required("--dir", options->dir, "The deployment's folder, or one with its audit/ in it")
      .Text("--keys", options->keys, "Verifier keys (default: D/audit/log.vkey)")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
