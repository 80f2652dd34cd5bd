#include <algorithm>
#include <charconv>
#include <memory>

#include "audit/verify/receipt.h"

// Each block is lines of "word value", in one order. A block is read by taking the values that it
// needs and then compared with what Format makes of them: so there is one spelling of everything,
// and what is written twice (a fact and its log entry) agrees.
namespace casemate::audit {
namespace {

constexpr std::string_view kCustodianTitle = "casemate/receipt/custodian@v1";
constexpr std::string_view kServerTitle = "casemate/receipt/server@v1";
constexpr std::string_view kClientTitle = "casemate/receipt/client@v1";
constexpr std::size_t kMaxWord = 64;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxPath = 1024;
constexpr std::uint64_t kMaxNumber = ~std::uint64_t{0} >> 1;

constexpr std::array<std::pair<std::uint16_t, std::string_view>, 6> kActions = {
    {{1, "list"}, {2, "read"}, {4, "search"}, {8, "seal"}, {16, "erase"}, {32, "index"}}};
constexpr std::array<std::string_view, 5> kLevels = {"none", "asserted", "session", "signed",
                                                     "attested"};

std::string ActionNames(std::uint16_t actions) {
  std::string names;
  for (const auto& [bit, name] : kActions) {
    if ((actions & bit) != 0) {
      names += (names.empty() ? "" : "+") + std::string(name);
    }
  }
  return names.empty() ? "none" : names;
}

std::string Line(std::string_view word, std::string_view value) {
  return std::string(word) + " " + std::string(value) + "\n";
}
std::string Line(std::string_view word, std::uint64_t value) {
  return Line(word, std::to_string(value));
}
std::string EntryLine(std::string_view word, std::uint64_t index, const Leaf& leaf) {
  return Line(word, std::to_string(index) + " " + ToBase64(EncodeLeaf(leaf)));
}
std::string Head(std::string_view title, std::string_view origin, const ReceiptId& receipt) {
  return std::string(title) + "\n" + Line("origin", origin) + Line("receipt", receipt.ToString());
}

std::unexpected<Error> Refuse(const std::string& why) {
  return Fail(ErrorCode::kInvalidArgument, why);
}

bool IsWord(std::string_view text) {
  return !text.empty() && text.size() <= kMaxWord && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}
bool IsVisible(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<std::uint64_t> ToNumber(std::string_view text) {
  std::uint64_t value = 0;
  const char* begin = std::to_address(text.begin());
  const char* end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || stop != end || value > kMaxNumber) {
    return std::nullopt;
  }
  return value;
}

// Takes lines off the front. The first thing that does not fit is remembered, and everything after
// it comes out empty: the caller asks once, at the end.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}

  bool NextIs(std::string_view word) const {
    return text_.starts_with(word) && text_.substr(word.size()).starts_with(' ');
  }
  std::string_view Title() { return TakeLine(); }
  std::string_view Value(std::string_view word) {
    if (!NextIs(word)) {
      Bad(word);
      return {};
    }
    return TakeLine().substr(word.size() + 1);
  }
  std::uint64_t Number(std::string_view word, std::uint64_t most = kMaxNumber) {
    const std::optional<std::uint64_t> value = ToNumber(Value(word));
    if (!value || *value > most) {
      Bad(word);
      return 0;
    }
    return *value;
  }
  std::string Word(std::string_view word) {
    const std::string_view value = Value(word);
    if (!IsWord(value)) {
      Bad(word);
    }
    return std::string(value);
  }
  Digest Hash(std::string_view word) {
    Digest digest{};
    const Result<Bytes> bytes = FromBase64(Value(word));
    if (!bytes || bytes->size() != digest.size()) {
      Bad(word);
    } else {
      std::ranges::copy(*bytes, digest.begin());
    }
    return digest;
  }
  // "FIRST REST".
  std::pair<std::string_view, std::string_view> Pair(std::string_view word) {
    const std::string_view value = Value(word);
    const std::size_t space = value.find(' ');
    if (space == std::string_view::npos) {
      Bad(word);
      return {};
    }
    return {value.substr(0, space), value.substr(space + 1)};
  }
  void Entry(std::string_view word, LeafType type, std::uint64_t& index, Leaf& leaf) {
    const auto [number, encoded] = Pair(word);
    const std::optional<std::uint64_t> value = ToNumber(number);
    const Result<Bytes> bytes = FromBase64(encoded);
    const Result<Leaf> decoded =
        bytes ? DecodeLeaf(*bytes) : Result<Leaf>(std::unexpected(bytes.error()));
    if (!value || !decoded || decoded->type != type) {
      Bad(word);
      return;
    }
    index = *value;
    leaf = *decoded;
  }
  void Heading(std::string_view title, std::string& origin, ReceiptId& receipt) {
    if (Title() != title) {
      Bad("title");
    }
    origin = std::string(Value("origin"));
    const Result<ReceiptId> id = ReceiptId::Parse(Value("receipt"));
    if (!id || !IsVisible(origin, kMaxName)) {
      Bad("origin or receipt");
    } else {
      receipt = *id;
    }
  }
  void Bad(std::string_view word) {
    if (bad_.empty()) {
      bad_ = word;
    }
  }
  // `again` is what Format makes of what was read.
  Result<void> End(std::string_view block, std::string_view again, std::string_view text) const {
    const std::string name = "the " + std::string(block) + " block: ";
    if (!bad_.empty()) {
      return Refuse(name + "'" + bad_ + "' is missing, out of place or malformed");
    }
    if (again != text) {
      return Refuse(name +
                    "written in another way, or facts that are not those of its log entries");
    }
    return {};
  }

 private:
  std::string_view TakeLine() {
    const std::size_t end = text_.find('\n');
    const std::string_view line = text_.substr(0, end);
    text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
    return line;
  }
  std::string_view text_;
  std::string bad_;
};

Result<CustodianBlock> ParseCustodian(std::string_view text) {
  Lines lines(text);
  CustodianBlock block;
  lines.Heading(kCustodianTitle, block.origin, block.receipt);
  block.unix_ms = static_cast<std::int64_t>(lines.Number("time"));
  for (const std::string_view fact :
       {"justification", "level", "actions", "label", "openings", "objects", "request"}) {
    (void)lines.Value(fact);  // compared with the entries by the comparison at the end
  }
  lines.Entry("ticket-entry", LeafType::kTicket, block.ticket_index, block.ticket);
  lines.Entry("closed-entry", LeafType::kTicketClosed, block.closed_index, block.closed);
  block.log_size = lines.Number("log-size");
  while (lines.NextIs("server-key") && block.server_keys.size() < 2) {
    Result<VerifierKey> key = VerifierKey::Parse(lines.Value("server-key"));
    if (!key || key->name != ServerKeyName(block.origin)) {
      lines.Bad("server-key");
      break;
    }
    block.server_keys.push_back(std::move(*key));
  }
  block.server_text = lines.Hash("server-block");
  block.client_text = lines.Hash("client-block");
  const Leaf& ticket = block.ticket;
  const Leaf& closed = block.closed;
  if (block.server_keys.empty()) {
    lines.Bad("server-key");
  } else if (ticket.tenant != closed.tenant || ticket.principal != closed.principal ||
             ticket.ticket != closed.ticket || ticket.request != closed.request) {
    lines.Bad("closed-entry");
  } else if (block.ticket_index >= block.closed_index || block.closed_index >= block.log_size) {
    lines.Bad("log-size");
  }
  if (Result<void> good = lines.End("custodian", FormatBlock(block), text); !good) {
    return std::unexpected(good.error());
  }
  return block;
}

Result<ServerBlock> ParseServer(std::string_view text) {
  Lines lines(text);
  ServerBlock block;
  lines.Heading(kServerTitle, block.origin, block.receipt);
  block.opened_ms = static_cast<std::int64_t>(lines.Number("opened"));
  block.closed_ms = static_cast<std::int64_t>(lines.Number("closed"));
  block.duration_ms = lines.Number("duration-ms");
  block.outcome =
      lines.Value("outcome") == "cut" ? ReceiptOutcome::kCut : ReceiptOutcome::kComplete;
  block.isolation = lines.Word("isolation");
  block.engine = lines.Word("engine");
  while (lines.NextIs("model") && block.models.size() < kMaxReceiptItems) {
    const auto [digest, name] = lines.Pair("model");
    const Result<Bytes> bytes = FromHex(digest);
    ReceiptModel model;
    if (!bytes || bytes->size() != model.digest.size() || !IsVisible(name, kMaxName)) {
      lines.Bad("model");
      break;
    }
    std::ranges::copy(*bytes, model.digest.begin());
    model.name = std::string(name);
    block.models.push_back(std::move(model));
  }
  block.prompt_tokens = lines.Number("prompt-tokens");
  block.completion_tokens = lines.Number("completion-tokens");
  while (lines.NextIs("region") && block.regions.size() < kMaxReceiptItems) {
    const auto [kind, size] = lines.Pair("region");
    const std::optional<std::uint64_t> bytes = ToNumber(size);
    if (!IsWord(kind) || !bytes) {
      lines.Bad("region");
      break;
    }
    block.regions.push_back({.kind = std::string(kind), .bytes = *bytes});
  }
  while (lines.NextIs("scrub") && block.scrubs.size() < kMaxReceiptItems) {
    block.scrubs.push_back(lines.Word("scrub"));
  }
  if (Result<void> good = lines.End("server", FormatBlock(block), text); !good) {
    return std::unexpected(good.error());
  }
  return block;
}

Result<ClientBlock> ParseClient(std::string_view text) {
  Lines lines(text);
  ClientBlock block;
  lines.Heading(kClientTitle, block.origin, block.receipt);
  block.tls = lines.Word("tls");
  // There when it was lowered, and then it says so in one way only.
  if (lines.NextIs("tls-minimum")) {
    block.tls_classical_allowed = lines.Value("tls-minimum") == "classical";
  }
  block.method = lines.Word("method");
  block.path = std::string(lines.Value("path"));
  if (!IsVisible(block.path, kMaxPath)) {
    lines.Bad("path");
  }
  block.status = static_cast<std::uint16_t>(lines.Number("status", 999));
  block.streamed = lines.Value("streamed") == "yes";
  block.request = lines.Hash("request");
  block.answer = lines.Hash("answer");
  block.answer_bytes = lines.Number("answer-bytes");
  if (Result<void> good = lines.End("client", FormatBlock(block), text); !good) {
    return std::unexpected(good.error());
  }
  return block;
}

// Cuts the notes apart at the empty line before the next block's title: no value has a newline.
Result<std::array<std::string_view, 3>> Split(std::string_view text) {
  std::array<std::string_view, 3> notes;
  const std::array titles = {"\n\n" + std::string(kServerTitle) + "\n",
                             "\n\n" + std::string(kClientTitle) + "\n"};
  for (std::size_t i = 0; i < titles.size(); ++i) {
    const std::size_t end = text.find(titles[i]);
    if (end == std::string_view::npos) {
      return Refuse("fewer than three blocks: custodian, server and client");
    }
    notes[i] = text.substr(0, end + 1);
    text.remove_prefix(end + 2);
  }
  notes[2] = text;
  return notes;
}

}  // namespace

std::string ServerKeyName(std::string_view origin) { return std::string(origin) + "/server"; }

std::string FormatBlock(const CustodianBlock& block) {
  const Leaf& ticket = block.ticket;
  std::string text = Head(kCustodianTitle, block.origin, block.receipt);
  text += Line("time", static_cast<std::uint64_t>(block.unix_ms));
  text += Line("justification", ticket.justification);
  text += Line("level", ticket.level < kLevels.size() ? kLevels[ticket.level] : kLevels[0]);
  text += Line("actions", ActionNames(ticket.actions));
  text += Line("label", ticket.label);
  text += Line("openings", block.closed.count);
  text += Line("objects", ToBase64(block.closed.objects));
  text += Line("request", ToBase64(ticket.request));
  text += EntryLine("ticket-entry", block.ticket_index, ticket);
  text += EntryLine("closed-entry", block.closed_index, block.closed);
  text += Line("log-size", block.log_size);
  for (const VerifierKey& key : block.server_keys) {
    text += Line("server-key", key.ToString());
  }
  text += Line("server-block", ToBase64(block.server_text));
  text += Line("client-block", ToBase64(block.client_text));
  return text;
}

std::string FormatBlock(const ServerBlock& block) {
  std::string text = Head(kServerTitle, block.origin, block.receipt);
  text += Line("opened", static_cast<std::uint64_t>(block.opened_ms));
  text += Line("closed", static_cast<std::uint64_t>(block.closed_ms));
  text += Line("duration-ms", block.duration_ms);
  text += Line("outcome", block.outcome == ReceiptOutcome::kCut ? "cut" : "complete");
  text += Line("isolation", block.isolation);
  text += Line("engine", block.engine);
  for (const ReceiptModel& model : block.models) {
    text += Line("model", ToHex(model.digest) + " " + model.name);
  }
  text += Line("prompt-tokens", block.prompt_tokens);
  text += Line("completion-tokens", block.completion_tokens);
  for (const ReceiptRegion& region : block.regions) {
    text += Line("region", region.kind + " " + std::to_string(region.bytes));
  }
  for (const std::string& scrub : block.scrubs) {
    text += Line("scrub", scrub);
  }
  return text;
}

std::string FormatBlock(const ClientBlock& block) {
  std::string text = Head(kClientTitle, block.origin, block.receipt);
  text += Line("tls", block.tls);
  if (block.tls_classical_allowed) {
    text += Line("tls-minimum", "classical");
  }
  text += Line("method", block.method);
  text += Line("path", block.path);
  text += Line("status", block.status);
  text += Line("streamed", block.streamed ? "yes" : "no");
  text += Line("request", ToBase64(block.request));
  text += Line("answer", ToBase64(block.answer));
  text += Line("answer-bytes", block.answer_bytes);
  return text;
}

std::string FormatReceipt(std::string_view custodian_note, std::string_view server_note,
                          std::string_view client_note) {
  return std::string(custodian_note) + "\n" + std::string(server_note) + "\n" +
         std::string(client_note);
}

Result<Receipt> ParseReceipt(std::string_view text) {
  if (text.size() > kMaxReceiptBytes) {
    return Fail(ErrorCode::kTooLarge,
                "a receipt has at most " + std::to_string(kMaxReceiptBytes) + " bytes");
  }
  const Result<std::array<std::string_view, 3>> notes = Split(text);
  if (!notes) {
    return std::unexpected(notes.error());
  }
  Receipt receipt;
  const std::array<std::pair<std::string_view, Note*>, 3> parts = {
      {{"custodian", &receipt.custodian_note},
       {"server", &receipt.server_note},
       {"client", &receipt.client_note}}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Result<Note> note = ParseNote((*notes)[i]);
    if (!note) {
      return Wrap(note.error(), "the " + std::string(parts[i].first) + " block");
    }
    if (FormatNote(*note) != (*notes)[i]) {
      return Refuse("the " + std::string(parts[i].first) + " block is written in another way");
    }
    *parts[i].second = std::move(*note);
  }
  Result<CustodianBlock> custodian = ParseCustodian(receipt.custodian_note.text);
  if (!custodian) {
    return std::unexpected(custodian.error());
  }
  Result<ServerBlock> server = ParseServer(receipt.server_note.text);
  if (!server) {
    return std::unexpected(server.error());
  }
  Result<ClientBlock> client = ParseClient(receipt.client_note.text);
  if (!client) {
    return std::unexpected(client.error());
  }
  if (server->receipt != custodian->receipt || client->receipt != custodian->receipt ||
      server->origin != custodian->origin || client->origin != custodian->origin) {
    return Refuse("the three blocks are not of one receipt");
  }
  if (client->request != custodian->ticket.request) {
    return Refuse("the client block's request is not the one that the ticket was written for");
  }
  receipt.custodian = std::move(*custodian);
  receipt.server = std::move(*server);
  receipt.client = std::move(*client);
  return receipt;
}

}  // namespace casemate::audit
