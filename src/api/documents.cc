#include "api/endpoints.h"
#include "api/query.h"
#include "api/upload.h"
#include "json/writer.h"

namespace casemate::api {
namespace {

using policy::Action;

std::string_view OutcomeName(retrieval::IngestOutcome outcome) {
  switch (outcome) {
    case retrieval::IngestOutcome::kAdded:
      return "added";
    case retrieval::IngestOutcome::kUnchanged:
      return "unchanged";
    case retrieval::IngestOutcome::kReplaced:
      return "replaced";
  }
  return "added";
}

}  // namespace

Result<void> FindCollection(Exchange& exchange, const Ids&) {
  Result<Query> query = Query::Parse(exchange.request().query);
  if (!query) {
    return std::unexpected(query.error());
  }
  const Plaintext* name = query->Find("name");
  if (name == nullptr || name->empty()) {
    return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                                 .message = "Expected ?name= with a collection's name.",
                                 .param = "name",
                                 .detail = {}});
  }
  Result<custody::Ticket> ticket =
      exchange.NewTicket({.actions = static_cast<policy::ActionSet>(Action::kList),
                          .all_collections = true,
                          .max_objects = 16});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<std::optional<CollectionId>> found =
      exchange.services().library.FindCollection(*ticket, *name);
  if (!found) {
    return std::unexpected(found.error());
  }
  if (!*found) {
    return std::unexpected(Error{.code = ErrorCode::kNotFound,
                                 .message = "There is no collection of that name.",
                                 .param = "name",
                                 .detail = {}});
  }
  json::Writer writer;
  writer.BeginObject().Key("object").String("casemate.collection");
  writer.Key("id").String((*found)->ToString()).EndObject();
  return exchange.SendJson(writer.Take());
}

Result<void> IngestDocument(Exchange& exchange, const Ids& ids) {
  Result<CollectionId> collection = PathId<CollectionId>(ids[0], "collection");
  if (!collection) {
    return std::unexpected(collection.error());
  }
  Result<Upload> upload = ReadUpload(exchange);
  if (!upload) {
    return std::unexpected(upload.error());
  }
  // kErase: a changed document's old version is erased with its chunks.
  Result<custody::Ticket> ticket =
      exchange.NewTicket({.actions = Action::kSeal | Action::kList | Action::kErase,
                          .collections = {*collection},
                          .max_objects = 4096,
                          .duration = std::chrono::seconds(600)});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<retrieval::Ingested> ingested = exchange.services().library.Ingest(
      *ticket, *collection, upload->filename, upload->content, upload->label);
  if (!ingested) {
    return std::unexpected(ingested.error());
  }
  json::Writer writer;
  writer.BeginObject().Key("object").String("casemate.document");
  writer.Key("file_id").String(ingested->file.ToString());
  writer.Key("outcome").String(OutcomeName(ingested->outcome));
  writer.Key("chunks").Integer(ingested->chunks).EndObject();
  return exchange.SendJson(writer.Take());
}

}  // namespace casemate::api
