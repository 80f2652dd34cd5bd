#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "app/command_api.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "audit/verify/log_reader.h"
#include "audit/verify/receipt.h"
#include "base/clock.h"
#include "base/file.h"
#include "json/writer.h"
#include "net/tls_group.h"
#include "policy/release.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxKeyBytes = 131072;
constexpr std::size_t kMaxBodyBytes = std::size_t{512} << 20;
constexpr std::chrono::milliseconds kPoll{200};
// The log's next checkpoint is at most about a second away.
constexpr std::chrono::seconds kCheckpointWait{5};

struct GetOptions {
  std::string dir;
  std::string tenant;
  std::string id;
  std::string out;
  std::uint64_t wait = 30;
  bool json = false;
};

struct VerifyOptions {
  std::string file;
  std::string key;
  std::string dir;
  std::string request;
  std::string answer;
  std::string salt;
  bool json = false;
};

// --- get ----------------------------------------------------------------------------------------

Result<std::string> Fetch(ApiClient& client, const GetOptions& options) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options.wait);
  while (true) {
    Result<ApiClient::Answer> answer =
        client.Call("GET", "/v1/receipts/" + options.id, {}, {}, {{"accept", "application/json"}});
    if (!answer) {
      return std::unexpected(answer.error());
    }
    const json::Value root = answer->body.root();
    if (TextOf(root, "status") == "complete") {
      return std::string(ContentOf(root, "receipt").Reveal());  // names no content
    }
    if (std::chrono::steady_clock::now() >= end) {
      return Fail(ErrorCode::kUnavailable, "the window of " + options.id +
                                               " is not closed yet; try again later, or wait "
                                               "longer with --wait");
    }
    std::this_thread::sleep_for(kPoll);
  }
}

Result<ExitStatus> RunGet(const GetOptions& options) {
  if (const Result<audit::ReceiptId> id = audit::ReceiptId::Parse(options.id); !id) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected a receipt's id as in x-casemate-receipt: rcpt_ and 26 characters");
  }
  Result<ApiClient> client = ConnectApi(options.dir, options.tenant);
  if (!client) {
    return std::unexpected(client.error());
  }
  Result<std::string> text = Fetch(*client, options);
  if (!text) {
    return std::unexpected(text.error());
  }
  if (!options.out.empty()) {
    if (Result<void> written = WriteFileAtomically(options.out, AsBytes(*text)); !written) {
      return Wrap(written.error(), options.out);
    }
  }
  if (options.json) {
    json::Writer writer;
    writer.BeginObject().Key("id").String(options.id).Key("receipt").String(*text).EndObject();
    PrintJson(writer.Take());
  } else if (options.out.empty()) {
    PrintContent(PlaintextView::Of(*text));
  } else {
    PrintLine(options.id + " is in " + options.out + "; verify it: casemate receipt verify " +
              options.out + " --dir " + options.dir);
  }
  return ExitStatus::kOk;
}

// --- verify -------------------------------------------------------------------------------------

// What was looked at beyond the signatures.
struct Checked {
  audit::Receipt receipt;
  std::vector<audit::VerifierKey> keys;
  std::uint64_t log_entries = 0;  // under the checkpoint that has both entries; 0: not asked for
  bool exchange = false;
};

Result<std::vector<audit::VerifierKey>> ReadKeys(const VerifyOptions& options) {
  const fs::path path =
      options.key.empty() ? fs::path(options.dir) / "audit" / "log.vkey" : fs::path(options.key);
  Result<Bytes> text = ReadFile(path, kMaxKeyBytes);
  if (!text) {
    return Wrap(text.error(), "the log's verifier keys, " + path.string());
  }
  Result<std::vector<audit::VerifierKey>> keys = audit::ParseVerifierKeys(AsText(*text));
  return keys ? keys : Wrap(keys.error(), path.string());
}

Result<void> HasEntry(const audit::LogReader& log, std::span<const audit::VerifierKey> keys,
                      std::uint64_t index, const audit::Leaf& leaf) {
  Result<std::string> proof = log.Prove(index);
  if (!proof) {
    return std::unexpected(proof.error());
  }
  Result<audit::Proven> proven = audit::VerifyProof(*proof, keys);
  if (!proven) {
    return std::unexpected(proven.error());
  }
  if (proven->entry != audit::EncodeLeaf(leaf)) {
    return Fail(ErrorCode::kIntegrityFailure, "the log's entry " + std::to_string(index) +
                                                  " is not the one that the receipt names");
  }
  return {};
}

// The number of entries under the checkpoint that has both of the receipt's.
Result<std::uint64_t> FindInLog(const fs::path& dir, const Checked& checked) {
  const audit::CustodianBlock& custodian = checked.receipt.custodian;
  const auto end = std::chrono::steady_clock::now() + kCheckpointWait;
  while (true) {
    Result<audit::LogReader> log = audit::LogReader::Open(dir / "audit", checked.keys);
    if (!log) {
      return std::unexpected(log.error());
    }
    const std::uint64_t size = log->checkpoint().size;
    if (custodian.closed_index < size) {
      Result<void> found = HasEntry(*log, checked.keys, custodian.ticket_index, custodian.ticket);
      if (found) {
        found = HasEntry(*log, checked.keys, custodian.closed_index, custodian.closed);
      }
      return found ? Result<std::uint64_t>(size) : std::unexpected(found.error());
    }
    if (std::chrono::steady_clock::now() >= end) {
      return Fail(ErrorCode::kIntegrityFailure,
                  "the log in " + dir.string() + " has " + std::to_string(size) +
                      " entries and not entry " + std::to_string(custodian.closed_index) +
                      ": a copy from before, or a log that was cut back");
    }
    std::this_thread::sleep_for(kPoll);
  }
}

// A streamed answer as it was received ends with the event that names its receipt.
ByteView WithoutReceiptEvent(const audit::Receipt& receipt, ByteView answer) {
  const std::string event =
      "event: casemate.receipt\ndata: {\"type\":\"casemate.receipt\",\"id\":\"" +
      receipt.id().ToString() + "\"}\n\n";
  return receipt.client.streamed && AsText(answer).ends_with(event)
             ? answer.first(answer.size() - event.size())
             : answer;
}

Result<void> CompareExchange(const VerifyOptions& options, const audit::Receipt& receipt) {
  Result<audit::ReceiptSalt> salt = audit::ParseReceiptSalt(options.salt);
  if (!salt) {
    return std::unexpected(salt.error());
  }
  Result<Bytes> request = Bytes();
  if (options.request != "none") {
    request = ReadFile(options.request, kMaxBodyBytes);
  }
  Result<Bytes> answer = ReadFile(options.answer, kMaxBodyBytes);
  if (!request || !answer) {
    return request ? Wrap(answer.error(), options.answer) : Wrap(request.error(), options.request);
  }
  return audit::VerifyExchange(receipt, *salt, *request, WithoutReceiptEvent(receipt, *answer));
}

std::string Algorithms(const std::vector<audit::VerifierKey>& keys) {
  std::string names;
  for (const audit::VerifierKey& key : keys) {
    names += (names.empty() ? "" : " and ") +
             std::string(key.type == audit::kEd25519Note ? "Ed25519" : "ML-DSA-44");
  }
  return names;
}

std::string Actions(std::uint16_t actions) {
  static constexpr std::array<std::string_view, 6> kNames = {"list", "read",  "search",
                                                             "seal", "erase", "index"};
  std::string names;
  for (std::size_t bit = 0; bit < kNames.size(); ++bit) {
    if ((actions & (1U << bit)) != 0) {
      names += (names.empty() ? "" : ", ") + std::string(kNames[bit]);
    }
  }
  return names.empty() ? "nothing stored" : names;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    line += (line.empty() ? "" : ", ") + word;
  }
  return line.empty() ? "nothing" : line;
}

void PrintCustodian(const Checked& checked) {
  const audit::CustodianBlock& custodian = checked.receipt.custodian;
  const audit::Leaf& ticket = custodian.ticket;
  PrintLine("The custodian vouches (" + custodian.origin + ", " + Algorithms(checked.keys) + "):");
  PrintLine("  the ticket was logged " + FormatUtc(ticket.unix_ms / 1000) + ", closed " +
            FormatUtc(custodian.closed.unix_ms / 1000));
  PrintLine("  why: " +
            std::string(policy::JustificationName(
                static_cast<policy::Justification>(ticket.justification))) +
            ", " +
            std::string(policy::ReleaseLevelName(static_cast<policy::ReleaseLevel>(ticket.level))));
  // A label's name is the deployment's own, and its list may not be at hand.
  PrintLine("  it allowed: " + Actions(ticket.actions) + "; labels up to number " +
            std::to_string(ticket.label) + " of the deployment's list, from 0");
  PrintLine("  objects released: " + std::to_string(custodian.closed.count) + " openings");
  const std::string entries = "  log entries " + std::to_string(custodian.ticket_index) + " and " +
                              std::to_string(custodian.closed_index);
  PrintLine(checked.log_entries == 0 ? entries + ": not looked for (--dir does)"
                                     : entries + ": both are in the log of " +
                                           std::to_string(checked.log_entries) + " entries");
}

void PrintServer(const audit::ServerBlock& server) {
  PrintLine("The server asserts (keys that the custodian names; nobody else has seen it):");
  PrintLine("  the window was open " + std::to_string(server.duration_ms) + " ms from " +
            FormatUtc(server.opened_ms / 1000) + "; the answer is " +
            (server.outcome == audit::ReceiptOutcome::kCut ? "cut short" : "complete"));
  PrintLine("  isolation mode " + server.isolation + ", engine " + server.engine);
  for (const audit::ReceiptModel& model : server.models) {
    PrintLine("  model " + model.name + ", SHA-256 " + ToHex(model.digest));
  }
  PrintLine("  tokens: " + std::to_string(server.prompt_tokens) + " of the prompt, " +
            std::to_string(server.completion_tokens) + " made");
  std::vector<std::string> regions;
  regions.reserve(server.regions.size());
  for (const audit::ReceiptRegion& region : server.regions) {
    regions.push_back(region.kind + " " + std::to_string(region.bytes) + " bytes");
  }
  PrintLine("  held at most: " + Joined(regions));
  PrintLine("  wiped: " + Joined(server.scrubs));
}

// "hybrid", "classical", or "local" for the operator's socket.
std::string_view TlsVerdict(const audit::ClientBlock& client) {
  return client.tls == "operator-socket"  ? "local"
         : net::IsHybridGroup(client.tls) ? "hybrid"
                                          : "classical";
}

std::string TlsRemark(const audit::ClientBlock& client) {
  if (TlsVerdict(client) == "classical") {
    return ": CLASSICAL, who recorded it can open request and answer with a quantum computer";
  }
  return client.tls_classical_allowed ? " (the server would have taken a classical key exchange)"
                                      : "";
}

void PrintClient(const Checked& checked) {
  const audit::ClientBlock& client = checked.receipt.client;
  PrintLine("The server states, and who has request, answer and salt can compare:");
  PrintLine("  " + client.method + " " + client.path + ", status " + std::to_string(client.status) +
            (client.streamed ? ", streamed" : "") + ", over " + client.tls + TlsRemark(client));
  PrintLine(checked.exchange ? "  request and answer are these bytes (" +
                                   std::to_string(client.answer_bytes) + " of answer)"
                             : std::string("  not compared (--request, --answer and --salt do)"));
}

void PrintChecked(const Checked& checked) {
  PrintLine(checked.receipt.id().ToString() + " verifies.");
  PrintCustodian(checked);
  PrintServer(checked.receipt.server);
  PrintClient(checked);
}

void PrintCheckedJson(const Checked& checked) {
  const audit::CustodianBlock& custodian = checked.receipt.custodian;
  const audit::ServerBlock& server = checked.receipt.server;
  const audit::ClientBlock& client = checked.receipt.client;
  json::Writer writer;
  const auto integer = [&writer](std::string_view key, std::uint64_t value) {
    writer.Key(key).Integer(static_cast<std::int64_t>(value));
  };
  writer.BeginObject().Key("verified").Bool(true);
  writer.Key("id").String(checked.receipt.id().ToString());
  writer.Key("custodian").BeginObject().Key("origin").String(custodian.origin);
  writer.Key("signatures").String(Algorithms(checked.keys));
  integer("ticket_index", custodian.ticket_index);
  integer("closed_index", custodian.closed_index);
  writer.Key("justification")
      .String(policy::JustificationName(
          static_cast<policy::Justification>(custodian.ticket.justification)));
  integer("level", custodian.ticket.level);
  integer("actions", custodian.ticket.actions);
  integer("label", custodian.ticket.label);
  integer("openings", custodian.closed.count);
  writer.Key("objects").String(ToHex(custodian.closed.objects));
  integer("log_size", custodian.log_size);
  writer.Key("in_log").Bool(checked.log_entries != 0).EndObject();
  writer.Key("server").BeginObject();
  integer("opened_ms", static_cast<std::uint64_t>(server.opened_ms));
  integer("closed_ms", static_cast<std::uint64_t>(server.closed_ms));
  integer("duration_ms", server.duration_ms);
  writer.Key("outcome").String(server.outcome == audit::ReceiptOutcome::kCut ? "cut" : "complete");
  writer.Key("isolation").String(server.isolation).Key("engine").String(server.engine);
  writer.Key("models").BeginArray();
  for (const audit::ReceiptModel& model : server.models) {
    writer.BeginObject().Key("name").String(model.name);
    writer.Key("digest").String(ToHex(model.digest)).EndObject();
  }
  writer.EndArray();
  integer("prompt_tokens", server.prompt_tokens);
  integer("completion_tokens", server.completion_tokens);
  writer.Key("regions").BeginObject();
  for (const audit::ReceiptRegion& region : server.regions) {
    integer(region.kind, region.bytes);
  }
  writer.EndObject().Key("scrubs").BeginArray();
  for (const std::string& scrub : server.scrubs) {
    writer.String(scrub);
  }
  writer.EndArray().EndObject();
  writer.Key("client").BeginObject().Key("tls").String(client.tls);
  writer.Key("tls_verdict").String(TlsVerdict(client));
  writer.Key("tls_classical_allowed").Bool(client.tls_classical_allowed);
  writer.Key("method").String(client.method).Key("path").String(client.path);
  integer("status", client.status);
  writer.Key("streamed").Bool(client.streamed);
  integer("answer_bytes", client.answer_bytes);
  writer.Key("compared").Bool(checked.exchange).EndObject().EndObject();
  PrintJson(writer.Take());
}

ExitStatus Usage(std::string message) {
  PrintError({ErrorCode::kInvalidArgument, std::move(message), {}, {}});
  return ExitStatus::kUsage;
}

Result<ExitStatus> RunVerify(const VerifyOptions& options) {
  if (options.key.empty() && options.dir.empty()) {
    return Usage(
        "a receipt is verified with the log's keys: --key F (a copy of audit/log.vkey) or "
        "--dir D");
  }
  const int given = (options.request.empty() ? 0 : 1) + (options.answer.empty() ? 0 : 1) +
                    (options.salt.empty() ? 0 : 1);
  if (given != 0 && given != 3) {
    return Usage("--request, --answer and --salt go together ('--request none' for a GET)");
  }
  Checked checked;
  Result<std::vector<audit::VerifierKey>> keys = ReadKeys(options);
  Result<Bytes> text = ReadFile(options.file, audit::kMaxReceiptBytes);
  if (!keys || !text) {
    return keys ? Wrap(text.error(), options.file) : std::unexpected(keys.error());
  }
  checked.keys = std::move(*keys);
  Result<audit::Receipt> receipt = audit::VerifyReceipt(AsText(*text), checked.keys);
  if (!receipt) {
    return Wrap(receipt.error(), options.file);
  }
  checked.receipt = std::move(*receipt);
  if (!options.dir.empty()) {
    Result<std::uint64_t> found = FindInLog(options.dir, checked);
    if (!found) {
      return std::unexpected(found.error());
    }
    checked.log_entries = *found;
  }
  if (given == 3) {
    if (Result<void> same = CompareExchange(options, checked.receipt); !same) {
      return std::unexpected(same.error());
    }
    checked.exchange = true;
  }
  options.json ? PrintCheckedJson(checked) : PrintChecked(checked);
  return ExitStatus::kOk;
}

}  // namespace

void AddReceipt(CommandLine& line) {
  auto get = std::make_shared<GetOptions>();
  line.Add("receipt get", "Fetch the receipt of an answer",
           "casemate receipt get rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa --dir D --out answer.receipt",
           [get] { return RunGet(*get); })
      .Required("id", get->id, "The receipt's id, from x-casemate-receipt")
      .Required("--dir", get->dir, "The deployment's folder")
      .Text("--tenant", get->tenant, "The tenant's name (default: the first)")
      .Text("--out", get->out, "Write it to this file")
      .Number("--wait", get->wait, "Seconds to wait for the window to close (default: 30)", 0, 3600)
      .Flag("--json", get->json, "Print JSON");
  auto verify = std::make_shared<VerifyOptions>();
  line.Add("receipt verify", "Verify a receipt; needs no server",
           "casemate receipt verify answer.receipt --key log.vkey",
           [verify] { return RunVerify(*verify); })
      .Required("file", verify->file, "The receipt")
      .Text("--key", verify->key, "The log's verifier keys (a copy of audit/log.vkey)")
      .Text("--dir", verify->dir, "A deployment's folder: its keys, and both entries in its log")
      .Text("--request", verify->request, "The request's body as sent, or 'none' for a GET")
      .Text("--answer", verify->answer, "The answer's body as received")
      .Text("--salt", verify->salt, "The salt, from x-casemate-receipt-salt")
      .Flag("--json", verify->json, "Print JSON");
}

}  // namespace casemate::app
