#include "api/window.h"

#include <algorithm>

namespace casemate::api {
namespace {

constexpr std::size_t kMaxPath = 1000;
constexpr std::size_t kMaxName = 250;
constexpr std::size_t kMaxWord = 64;
constexpr std::uint64_t kTokenBytes = 4;

// Visible ASCII as it is, the rest and '%' as %XX; cut at `most`.
std::string Visible(std::string_view text, std::size_t most) {
  std::string out;
  for (const char c : text) {
    const bool plain = c > 0x20 && c < 0x7f && c != '%';
    const std::string next = plain ? std::string(1, c) : "%" + ToHex(AsBytes({&c, 1}));
    if (out.size() + next.size() > most) {
      break;
    }
    out += next;
  }
  return out.empty() ? "-" : out;
}

// The words of a receipt: letters, digits, '.', '_' and '-'.
std::string Word(std::string_view text) {
  std::string out(text.substr(0, kMaxWord));
  std::ranges::replace_if(
      out,
      [](char c) {
        return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' &&
               c != '_' && c != '-';
      },
      '_');
  return out.empty() ? "-" : out;
}

void SetRegion(std::vector<audit::ReceiptRegion>& regions, const std::string& kind,
               std::uint64_t bytes) {
  const auto found = std::ranges::find(regions, kind, &audit::ReceiptRegion::kind);
  if (found != regions.end()) {
    found->bytes = bytes;
  } else {
    regions.push_back({.kind = kind, .bytes = bytes});
  }
}

}  // namespace

Window::Window(audit::ReceiptBook& book, const net::HttpRequest& request,
               const audit::ReceiptSalt& salt, const audit::Digest& request_digest, TicketId ticket,
               std::int64_t opened_ms, BootClock::time_point opened)
    : book_(&book), facts_(std::make_unique<audit::WindowFacts>()), answer_(salt) {
  facts_->receipt = book.Promise(request.principal);
  facts_->ticket = ticket;
  facts_->opened = opened;
  audit::ServerBlock& server = facts_->server;
  server.opened_ms = opened_ms;
  server.isolation = "process";
  server.engine = "none";
  SetRegion(server.regions, "request", request.body.size());
  server.scrubs = {"leases", "request", "answer"};
  audit::ClientBlock& client = facts_->client;
  client.tls = request.tls_group.empty() ? "operator-socket" : Word(request.tls_group);
  client.tls_classical_allowed = request.tls_classical_allowed;
  client.method = Word(request.method);
  client.path = Visible(request.path, kMaxPath);
  client.request = request_digest;
}

Window::~Window() {
  if (!facts_) {
    return;
  }
  facts_->client.answer = answer_.Finish();
  SetRegion(facts_->server.regions, "answer", facts_->client.answer_bytes);
  book_->Complete(std::move(*facts_));
}

void Window::Head(std::uint16_t status, bool streamed) {
  facts_->client.status = status;
  facts_->client.streamed = streamed;
}

void Window::Sent(PlaintextView part) {
  answer_.Update(part.RevealBytes());
  facts_->client.answer_bytes += part.size();
}

void Window::Cut() { facts_->server.outcome = audit::ReceiptOutcome::kCut; }

void Window::Used(const ModelUse& use, const std::vector<custody::ModelEntry>& models) {
  audit::ServerBlock& server = facts_->server;
  for (const std::string& name : use.models) {
    const auto found = std::ranges::find(models, name, &custody::ModelEntry::name);
    if (found == models.end() || server.models.size() == audit::kMaxReceiptItems) {
      continue;
    }
    audit::ReceiptModel model{.digest = {}, .name = Visible(name, kMaxName)};
    if (const Result<Bytes> digest = FromHex(found->digest);
        digest && digest->size() == model.digest.size()) {
      std::ranges::copy(*digest, model.digest.begin());
    }
    server.models.push_back(std::move(model));
    server.engine = "libllama";
  }
  server.prompt_tokens = use.prompt_tokens;
  server.completion_tokens = use.completion_tokens;
  const std::uint64_t tokens = use.prompt_tokens + use.completion_tokens;
  if (tokens > 0) {
    SetRegion(server.regions, "tokens", tokens * kTokenBytes);
  }
  if (use.vector_bytes > 0) {
    SetRegion(server.regions, "embedding", use.vector_bytes);
  }
}

}  // namespace casemate::api
