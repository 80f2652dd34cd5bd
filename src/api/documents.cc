#include <algorithm>

#include "api/endpoints.h"
#include "api/fields.h"
#include "api/listing.h"
#include "api/query.h"
#include "api/upload.h"
#include "base/bytes.h"
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

// {"label"?, "documents": [{"filename", "sha256"}]}
Result<std::vector<retrieval::OutsideDocument>> ReadOutsideDocuments(const json::Value& root) {
  constexpr std::string_view kKnown[] = {"label", "documents"};
  constexpr std::string_view kOfDocument[] = {"filename", "sha256"};
  if (Result<std::vector<std::string>> known = CheckFields(root, {kKnown, {}}); !known) {
    return std::unexpected(known.error());
  }
  Result<json::Value> list = root.Require("documents");
  if (!list) {
    return std::unexpected(list.error());
  }
  std::vector<retrieval::OutsideDocument> documents;
  for (const json::Value& value : list->Elements()) {
    if (Result<std::vector<std::string>> known = CheckFields(value, {kOfDocument, {}}); !known) {
      return std::unexpected(known.error());
    }
    Result<json::Value> name = value.Require("filename");
    Result<json::Value> digest = value.Require("sha256");
    Result<PlaintextView> text =
        name ? name->AsString() : Result<PlaintextView>(std::unexpected(name.error()));
    Result<std::string> hex =
        digest ? digest->AsName() : Result<std::string>(std::unexpected(digest.error()));
    if (!text || !hex) {
      return std::unexpected(text ? hex.error() : text.error());
    }
    const Result<Bytes> bytes = FromHex(*hex);
    retrieval::OutsideDocument document;
    if (!bytes || bytes->size() != document.content.size()) {
      return BadField(*digest, "Invalid 'sha256': expected 64 hexadecimal digits.");
    }
    std::ranges::copy(*bytes, document.content.begin());
    document.name = Plaintext::Copy(*text);
    documents.push_back(std::move(document));
  }
  return documents;
}

void WriteEntry(json::Writer& writer, const Entry& entry, const Exchange& exchange) {
  writer.BeginObject();
  writer.Key("id").String(entry.file.id.ToString());
  writer.Key("object").String("casemate.document");
  writer.Key("filename").Content(entry.file.name);
  writer.Key("bytes").Integer(static_cast<std::int64_t>(entry.file.bytes));
  writer.Key("created_at").Integer(entry.file.created);
  writer.Key("label").String(exchange.LabelName(entry.attachment.label));
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
  const auto write = [&exchange](json::Writer& writer, const Entry& entry) {
    exchange.Touch(entry.attachment.label);
    WriteEntry(writer, entry, exchange);
  };
  return exchange.SendJson(
      ListJson(entries, write, [](const Entry& entry) { return entry.file.id.ToString(); }));
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

Result<void> CompareDocuments(Exchange& exchange, const Ids& ids) {
  Result<CollectionId> collection = PathId<CollectionId>(ids[0], "collection");
  if (!collection) {
    return std::unexpected(collection.error());
  }
  Result<json::Document> body = exchange.ParseBody();
  if (!body) {
    return std::unexpected(body.error());
  }
  Result<std::vector<retrieval::OutsideDocument>> documents = ReadOutsideDocuments(body->root());
  if (!documents) {
    return std::unexpected(documents.error());
  }
  std::string label_name;
  if (const std::optional<json::Value> value = body->root().GetSet("label")) {
    Result<std::string> name = value->AsName();
    if (!name) {
      return std::unexpected(name.error());
    }
    label_name = std::move(*name);
  }
  if (Result<void> declared = exchange.Declare(label_name); !declared) {
    return declared;
  }
  Result<custody::Ticket> ticket =
      exchange.NewTicket({.actions = Action::kSeal | Action::kList,  // as the upload has it
                          .collections = {*collection},
                          .max_objects = 4096});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<std::vector<std::optional<FileId>>> unchanged =
      exchange.services().library.FindUnchanged(*ticket, *collection, *documents, exchange.label());
  if (!unchanged) {
    return std::unexpected(unchanged.error());
  }
  json::Writer writer;
  writer.BeginObject().Key("object").String("list").Key("data").BeginArray();
  for (const std::optional<FileId>& file : *unchanged) {
    writer.BeginObject().Key("unchanged").Bool(file.has_value());
    writer.Key("file_id");
    if (file) {
      writer.String(file->ToString());
    } else {
      writer.Null();
    }
    writer.EndObject();
  }
  writer.EndArray().EndObject();
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
