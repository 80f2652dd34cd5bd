#include <algorithm>
#include <memory>
#include <numeric>

#include "api/endpoints.h"
#include "api/errors.h"
#include "api/fields.h"
#include "api/models.h"
#include "crypto/hash.h"
#include "json/writer.h"

// POST /v1/rerank, in the form that Jina, Cohere and vLLM share.
namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

struct RerankTag {
  static constexpr std::string_view kPrefix = "rerank-";
};

constexpr std::size_t kMaxDocuments = 1024;
constexpr std::string_view kServed[] = {"model", "query", "documents", "top_n", "return_documents"};
constexpr std::string_view kIgnored[] = {"max_tokens_per_doc", "max_chunks_per_doc", "priority",
                                         "truncation", "user"};
constexpr std::string_view kDocumentServed[] = {"text"};

struct RerankRequest {
  std::string model;
  inference::Rank rank;
  std::size_t top = kMaxDocuments;
  bool return_documents = false;
  std::vector<std::string> ignored;
};

Result<Plaintext> ReadText(const json::Value& value) {
  Result<PlaintextView> text = value.AsString();
  if (!text) {
    return std::unexpected(text.error());
  }
  if (text->empty()) {
    return BadField(value, "Invalid '" + value.path() + "': the text is empty.");
  }
  return Plaintext::Copy(*text);
}

// A string, or {"text": string}.
Result<Plaintext> ReadDocument(const json::Value& value) {
  if (value.kind() != Kind::kObject) {
    return ReadText(value);
  }
  Result<std::vector<std::string>> known = CheckFields(value, {kDocumentServed, {}});
  Result<json::Value> text = known ? value.Require("text") : std::unexpected(known.error());
  return text ? ReadText(*text) : std::unexpected(text.error());
}

Result<void> ReadDocuments(const json::Value& root, RerankRequest& request) {
  Result<json::Value> documents = root.Require("documents");
  if (!documents) {
    return std::unexpected(documents.error());
  }
  if (documents->kind() != Kind::kArray || documents->size() == 0 ||
      documents->size() > kMaxDocuments) {
    return BadField(*documents, "Invalid 'documents': expected an array of 1 to " +
                                    std::to_string(kMaxDocuments) + " documents.");
  }
  for (const json::Value& value : documents->Elements()) {
    Result<Plaintext> text = ReadDocument(value);
    if (!text) {
      return std::unexpected(text.error());
    }
    request.rank.documents.push_back(std::move(*text));
  }
  return {};
}

Result<RerankRequest> ParseRerank(const json::Value& root) {
  Result<std::vector<std::string>> known = CheckFields(root, {kServed, kIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  RerankRequest request{.ignored = std::move(*known)};
  Result<std::string> model = ReadModel(root);
  if (!model) {
    return std::unexpected(model.error());
  }
  request.model = std::move(*model);
  Result<json::Value> query = root.Require("query");
  Result<Plaintext> text = query ? ReadText(*query) : std::unexpected(query.error());
  if (!text) {
    return std::unexpected(text.error());
  }
  request.rank.query = std::move(*text);
  if (Result<void> read = ReadDocuments(root, request); !read) {
    return std::unexpected(read.error());
  }
  Result<std::optional<std::int64_t>> top = ReadInteger(root, "top_n", 1, 1 << 24);
  if (!top) {
    return std::unexpected(top.error());
  }
  request.top = static_cast<std::size_t>(top->value_or(kMaxDocuments));
  Result<bool> return_documents = ReadBool(root, "return_documents", false);
  if (!return_documents) {
    return std::unexpected(return_documents.error());
  }
  request.return_documents = *return_documents;
  return request;
}

Plaintext RerankJson(const RerankRequest& request, const inference::RankReply& reply) {
  std::vector<std::size_t> order(reply.scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return reply.scores[a] > reply.scores[b]; });
  order.resize(std::min(order.size(), request.top));
  json::Writer writer;
  writer.BeginObject();
  writer.Key("id").String(crypto::RandomId<Id<RerankTag>>().ToString());
  writer.Key("object").String("list");
  writer.Key("model").String(request.model);
  writer.Key("results").BeginArray();
  for (std::size_t index : order) {
    writer.BeginObject().Key("index").Integer(static_cast<std::int64_t>(index));
    writer.Key("relevance_score").Number(reply.scores[index]);
    if (request.return_documents) {
      writer.Key("document").BeginObject();
      writer.Key("text").Content(request.rank.documents[index]).EndObject();
    }
    writer.EndObject();
  }
  writer.EndArray();
  writer.Key("usage").BeginObject();
  writer.Key("prompt_tokens").Integer(reply.tokens);
  writer.Key("total_tokens").Integer(reply.tokens).EndObject();
  writer.EndObject();
  return writer.Take();
}

}  // namespace

Result<void> CreateRerank(Exchange& exchange, const Ids&) {
  Result<json::Document> body = exchange.ParseBody();
  if (!body) {
    return std::unexpected(body.error());
  }
  Result<RerankRequest> request = ParseRerank(body->root());
  if (!request) {
    return std::unexpected(request.error());
  }
  exchange.Ignore(request->ignored);
  Result<ModelAccess> model = AccessModel(exchange, request->model, "embedding");
  if (!model) {
    return std::unexpected(model.error());
  }
  Result<inference::RankReply> reply = model->room->Rank(request->rank);
  if (!reply) {
    return About(reply.error(), reply.error().code == ErrorCode::kTooLarge ? "documents" : "");
  }
  return exchange.SendJson(RerankJson(*request, *reply));
}

}  // namespace casemate::api
