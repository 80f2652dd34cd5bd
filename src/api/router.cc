#include "api/router.h"

#include <string>
#include <string_view>
#include <vector>

#include "api/endpoints.h"
#include "net/error_envelope.h"

namespace casemate::api {
namespace {

struct Route {
  std::string_view method;
  std::string_view path;  // "*" stands for one variable part
  Handler handler;
};

constexpr Route kRoutes[] = {
    {"GET", "/v1/models", ListModels},
    {"GET", "/v1/models/*", GetModel},
    {"POST", "/v1/chat/completions", CreateChatCompletion},
    {"POST", "/v1/completions", CreateCompletion},
    {"POST", "/v1/embeddings", CreateEmbeddings},
    {"POST", "/v1/rerank", CreateRerank},
    {"POST", "/v1/responses", CreateResponse},
    {"GET", "/v1/receipts/*", GetReceipt},
    {"POST", "/v1/files", CreateFile},
    {"GET", "/v1/files", ListFiles},
    {"GET", "/v1/files/*", GetFile},
    {"DELETE", "/v1/files/*", DeleteFile},
    {"GET", "/v1/files/*/content", GetFileContent},
    {"POST", "/v1/vector_stores", CreateVectorStore},
    {"GET", "/v1/vector_stores", ListVectorStores},
    {"GET", "/v1/vector_stores/*", GetVectorStore},
    {"DELETE", "/v1/vector_stores/*", DeleteVectorStore},
    {"POST", "/v1/vector_stores/*/search", SearchVectorStore},
    {"POST", "/v1/vector_stores/*/files", AttachFile},
    {"GET", "/v1/vector_stores/*/files", ListAttachedFiles},
    {"GET", "/v1/vector_stores/*/files/*", GetAttachedFile},
    {"DELETE", "/v1/vector_stores/*/files/*", DetachFile},
    {"POST", "/v1/vector_stores/*/file_batches", CreateFileBatch},
    {"GET", "/v1/vector_stores/*/file_batches/*", GetFileBatch},
    {"POST", "/v1/vector_stores/*/file_batches/*/cancel", CancelFileBatch},
    {"GET", "/v1/vector_stores/*/file_batches/*/files", ListFilesOfBatch},
    {"GET", "/casemate/v1/collections", FindCollection},
    {"GET", "/casemate/v1/collections/*/documents", ListDocuments},
    {"POST", "/casemate/v1/collections/*/documents", IngestDocument},
    {"POST", "/casemate/v1/collections/*/documents/compare", CompareDocuments},
};

// True when `path` has the shape of `pattern`; its variable parts go to `ids`.
bool Matches(std::string_view pattern, std::string_view path, Ids& ids) {
  ids.clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view want = pattern.substr(1, pattern.find('/', 1) - 1);
    const std::string_view have = path.substr(1, path.find('/', 1) - 1);
    if (path.front() != '/' || have.empty() || (want != "*" && want != have)) {
      return false;
    }
    if (want == "*") {
      ids.push_back(have);
    }
    pattern.remove_prefix(1 + want.size());
    path.remove_prefix(1 + have.size());
  }
  return pattern.empty() && path.empty();
}

void SendMethodNotAllowed(Exchange& exchange, const std::string& allowed) {
  exchange.AddHeader("allow", allowed);
  const Error error{.code = ErrorCode::kInvalidArgument,
                    .message = "This path takes " + allowed + ".",
                    .param = {},
                    .detail = {}};
  (void)exchange.SendJson(net::ErrorEnvelope(error, "method_not_allowed"), 405);
}

// Answers, once.
void Dispatch(Exchange& exchange) {
  Ids ids;
  std::string allowed;
  for (const Route& route : kRoutes) {
    if (!Matches(route.path, exchange.request().path, ids)) {
      continue;
    }
    if (route.method == exchange.request().method) {
      Result<void> done = exchange.ReadDeclaredLabel();
      if (done) {
        done = route.handler(exchange, ids);
      }
      if (!done) {
        exchange.SendError(done.error());
      }
      return;
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  if (!allowed.empty()) {
    SendMethodNotAllowed(exchange, allowed);
    return;
  }
  exchange.SendError({.code = ErrorCode::kNotFound,
                      .message = "There is no such endpoint; docs/api.md lists those there are.",
                      .param = {},
                      .detail = {}});
}

}  // namespace

std::optional<Window> Router::Handle(const net::HttpRequest& request, Responder& responder) const {
  Exchange exchange(request, responder, services_);
  Dispatch(exchange);
  exchange.End();
  return exchange.TakeWindow();
}

}  // namespace casemate::api
