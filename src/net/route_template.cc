#include "net/route_template.h"

namespace casemate::net {
namespace {

constexpr std::string_view kTemplates[] = {
    "/health",
    "/ready",
    "/metrics",
    "/v1/models",
    "/v1/models/{id}",
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/rerank",
    "/v1/responses",
    "/v1/responses/{id}",
    "/v1/responses/{id}/cancel",
    "/v1/receipts/{id}",
    "/v1/files",
    "/v1/files/{id}",
    "/v1/files/{id}/content",
    "/v1/vector_stores",
    "/v1/vector_stores/{id}",
    "/v1/vector_stores/{id}/search",
    "/v1/vector_stores/{id}/files",
    "/v1/vector_stores/{id}/files/{id}",
    "/v1/vector_stores/{id}/files/{id}/content",
    "/v1/vector_stores/{id}/file_batches",
    "/v1/vector_stores/{id}/file_batches/{id}",
    "/v1/vector_stores/{id}/file_batches/{id}/files",
    "/v1/vector_stores/{id}/file_batches/{id}/cancel",
    "/casemate/v1/collections",
    "/casemate/v1/collections/{id}",
    "/casemate/v1/collections/{id}/documents",
    "/casemate/v1/log",
    "/casemate/v1/reload",
    "/casemate/v1/tenants",
    "/casemate/v1/principals",
    "/casemate/v1/grants",
    "/casemate/v1/keys",
};
constexpr std::string_view kVariable = "{id}";

std::string_view Segment(std::string_view path) {
  return path.substr(0, path.find('/', 1));  // with its leading slash
}

bool Matches(std::string_view shape, std::string_view path) {
  while (!shape.empty() && !path.empty()) {
    const std::string_view want = Segment(shape);
    const std::string_view have = Segment(path);
    if (want.substr(1) == kVariable ? have.size() < 2 : want != have) {
      return false;
    }
    shape.remove_prefix(want.size());
    path.remove_prefix(have.size());
  }
  return shape.empty() && path.empty();
}

}  // namespace

std::string_view RouteTemplate(std::string_view path) {
  for (const std::string_view shape : kTemplates) {
    if (Matches(shape, path)) {
      return shape;
    }
  }
  return kOtherRoute;
}

}  // namespace casemate::net
