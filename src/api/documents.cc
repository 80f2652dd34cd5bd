#include "api/endpoints.h"
#include "api/listing.h"
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

// A document of a collection: its file and how reading it went.
struct Entry {
  retrieval::FileInfo file;
  retrieval::AttachmentInfo attachment;
};

void WriteEntry(json::Writer& writer, const Entry& entry) {
  writer.BeginObject();
  writer.Key("id").String(entry.file.id.ToString());
  writer.Key("object").String("casemate.document");
  writer.Key("filename").Content(entry.file.name);
  writer.Key("bytes").Integer(static_cast<std::int64_t>(entry.file.bytes));
  writer.Key("created_at").Integer(entry.file.created);
  writer.Key("label").String(policy::LabelName(entry.file.label));
  writer.Key("status").String(AttachmentStatusName(entry.attachment.status));
  writer.Key("chunks").Integer(entry.attachment.chunks);
  writer.Key("error");
  if (entry.attachment.failure) {
    writer.String(entry.attachment.failure->message);
  } else {
    writer.Null();
  }
  writer.EndObject();
}

}  // namespace

Result<void> ListDocuments(Exchange& exchange, const Ids& ids) {
  Result<CollectionId> collection = PathId<CollectionId>(ids[0], "collection");
  if (!collection) {
    return std::unexpected(collection.error());
  }
  Result<Query> query = Query::Parse(exchange.request().query);
  if (!query) {
    return std::unexpected(query.error());
  }
  Result<retrieval::Page> page = ParsePage(*query, 20, 100);
  if (!page) {
    return std::unexpected(page.error());
  }
  Result<custody::Ticket> ticket =
      exchange.NewTicket({.actions = static_cast<policy::ActionSet>(Action::kList),
                          .collections = {*collection},
                          .max_objects = 4096});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  retrieval::Library& library = exchange.services().library;
  Result<retrieval::Listed<retrieval::AttachmentInfo>> attached =
      library.ListAttachments(*ticket, *collection, *page);
  if (!attached) {
    return std::unexpected(attached.error());
  }
  retrieval::Listed<Entry> entries{.items = {}, .has_more = attached->has_more};
  for (retrieval::AttachmentInfo& attachment : attached->items) {
    Result<retrieval::FileInfo> file = library.GetFile(*ticket, attachment.file);
    // One that is erased at this moment is left out.
    if (!file && file.error().code == ErrorCode::kNotFound) {
      continue;
    }
    if (!file) {
      return std::unexpected(file.error());
    }
    entries.items.push_back({std::move(*file), std::move(attachment)});
  }
  return exchange.SendJson(
      ListJson(entries, WriteEntry, [](const Entry& entry) { return entry.file.id.ToString(); }));
}

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
  Result<custody::Ticket> ticket = exchange.NewTicket({.actions = Action::kSeal | Action::kList,
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
