#include <algorithm>

#include "api/endpoints.h"
#include "api/errors.h"
#include "api/fields.h"
#include "api/listing.h"
#include "api/query.h"
#include "api/search.h"
#include "api/upload.h"
#include "json/writer.h"

namespace casemate::api {
namespace {

using policy::Action;
using retrieval::CollectionInfo;

constexpr std::size_t kMaxNameBytes = 512;
constexpr std::size_t kMaxFilesAtOnce = 500;  // OpenAI's limit is the same
constexpr std::uint32_t kMaxObjects = 4096;
constexpr std::string_view kServed[] = {"name", "file_ids", "casemate_label"};
constexpr std::string_view kIgnored[] = {"chunking_strategy", "description", "expires_after",
                                         "metadata"};

void WriteVectorStore(json::Writer& writer, const CollectionInfo& store, Exchange& exchange) {
  exchange.Touch(store.label);
  const std::int64_t total =
      std::int64_t{store.in_progress} + store.completed + store.failed + store.cancelled;
  writer.BeginObject();
  writer.Key("id").String(store.id.ToString());
  writer.Key("object").String("vector_store");
  writer.Key("created_at").Integer(store.created);
  writer.Key("name").Content(store.name);
  writer.Key("usage_bytes").Integer(static_cast<std::int64_t>(store.bytes));
  writer.Key("file_counts").BeginObject();
  writer.Key("in_progress").Integer(store.in_progress);
  writer.Key("completed").Integer(store.completed);
  writer.Key("failed").Integer(store.failed);
  writer.Key("cancelled").Integer(store.cancelled);
  writer.Key("total").Integer(total);
  writer.EndObject();
  writer.Key("status").String(store.in_progress > 0 ? "in_progress" : "completed");
  writer.Key("expires_after").Null();
  writer.Key("expires_at").Null();
  writer.Key("last_active_at").Null();
  writer.Key("metadata").BeginObject().EndObject();
  WriteLabel(writer, exchange.LabelName(store.label));
  writer.EndObject();
}

struct NewStore {
  Plaintext name;
  std::vector<FileId> files;
  std::string label;  // empty: not given
  std::vector<std::string> ignored;
};

Result<NewStore> ParseNewStore(const json::Value& root) {
  Result<std::vector<std::string>> known = CheckFields(root, {kServed, kIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  NewStore store;
  store.ignored = std::move(*known);
  if (const std::optional<json::Value> value = root.GetSet("name")) {
    Result<PlaintextView> name = value->AsString();
    if (!name) {
      return std::unexpected(name.error());
    }
    if (name->size() > kMaxNameBytes) {
      return BadField(*value, "Invalid 'name': expected at most 512 bytes, found " +
                                  std::to_string(name->size()) + ".");
    }
    store.name = Plaintext::Copy(*name);
  }
  if (const std::optional<json::Value> label = root.GetSet("casemate_label")) {
    Result<std::string> word = label->AsName();
    if (!word) {
      return std::unexpected(word.error());
    }
    store.label = *word;
  }
  const std::optional<json::Value> files = root.GetSet("file_ids");
  if (!files) {
    return store;
  }
  if (files->kind() != json::Value::Kind::kArray || files->size() > kMaxFilesAtOnce) {
    return BadField(*files, "Invalid 'file_ids': expected an array of at most 500 ids.");
  }
  for (const json::Value& value : files->Elements()) {
    Result<std::string> text = value.AsName();
    if (!text) {
      return std::unexpected(text.error());
    }
    Result<FileId> id = PathId<FileId>(*text, "file");
    if (!id) {
      return About(id.error(), value.path());
    }
    store.files.push_back(*id);
  }
  return store;
}

// The collection is new, so its files need a ticket that names it: the one exception to one ticket
// per request.
Result<void> AttachAll(Exchange& exchange, CollectionId store, const std::vector<FileId>& files) {
  Result<custody::Ticket> ticket =
      exchange.NewTicket({.actions = Action::kSeal | Action::kList | Action::kRead,
                          .collections = {store},
                          .max_objects = kMaxObjects});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  for (const FileId& file : files) {
    Result<retrieval::AttachmentInfo> attached =
        exchange.services().library.Attach(*ticket, store, file);
    if (!attached) {
      return About(attached.error(), "file_ids");
    }
  }
  return {};
}

Result<CollectionInfo> Find(Exchange& exchange, CollectionId id) {
  Result<custody::Ticket> ticket =
      exchange.NewTicket({.actions = static_cast<policy::ActionSet>(Action::kList),
                          .collections = {id},
                          .max_objects = kMaxObjects});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  return exchange.services().library.GetCollection(*ticket, id);
}

}  // namespace

Result<void> CreateVectorStore(Exchange& exchange, const Ids&) {
  NewStore store;
  if (!exchange.request().body.empty()) {
    Result<json::Document> body = exchange.ParseBody();
    if (!body) {
      return std::unexpected(body.error());
    }
    Result<NewStore> parsed = ParseNewStore(body->root());
    if (!parsed) {
      return std::unexpected(parsed.error());
    }
    store = std::move(*parsed);
  }
  if (store.name.empty()) {
    store.name = Plaintext::Copy("Untitled");
  }
  exchange.Ignore(store.ignored);
  if (Result<void> declared = exchange.Declare(store.label); !declared) {
    return declared;
  }
  const policy::Label label =
      exchange.request().body.empty()
          ? policy::Highest(exchange.label(), policy::Lowest(exchange.services().default_label,
                                                             exchange.request().ceiling))
          : exchange.label();
  retrieval::Library& library = exchange.services().library;
  Result<custody::Ticket> ticket = exchange.NewTicket({.actions = Action::kSeal | Action::kList,
                                                       .all_collections = true,
                                                       .max_objects = kMaxObjects});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  // A file that is not there is found before anything is made.
  for (const FileId& file : store.files) {
    if (Result<retrieval::FileInfo> there = library.GetFile(*ticket, file); !there) {
      return About(there.error(), "file_ids");
    }
  }
  Result<CollectionInfo> made = library.CreateCollection(*ticket, store.name, label);
  if (!made) {
    return std::unexpected(made.error());
  }
  if (!store.files.empty()) {
    if (Result<void> attached = AttachAll(exchange, made->id, store.files); !attached) {
      return attached;
    }
    made->in_progress = static_cast<std::uint32_t>(store.files.size());
  }
  json::Writer writer;
  WriteVectorStore(writer, *made, exchange);
  return exchange.SendJson(writer.Take());
}

Result<void> ListVectorStores(Exchange& exchange, const Ids&) {
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
                          .all_collections = true,
                          .max_objects = kMaxObjects});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<retrieval::Listed<CollectionInfo>> stores =
      exchange.services().library.ListCollections(*ticket, *page);
  if (!stores) {
    return std::unexpected(stores.error());
  }
  const auto write = [&exchange](json::Writer& writer, const CollectionInfo& store) {
    WriteVectorStore(writer, store, exchange);
  };
  return exchange.SendJson(
      ListJson(*stores, write, [](const CollectionInfo& store) { return store.id.ToString(); }));
}

Result<void> GetVectorStore(Exchange& exchange, const Ids& ids) {
  Result<CollectionId> id = PathId<CollectionId>(ids[0], "vector store");
  if (!id) {
    return std::unexpected(id.error());
  }
  Result<CollectionInfo> store = Find(exchange, *id);
  if (!store) {
    return std::unexpected(store.error());
  }
  json::Writer writer;
  WriteVectorStore(writer, *store, exchange);
  return exchange.SendJson(writer.Take());
}

Result<void> DeleteVectorStore(Exchange& exchange, const Ids& ids) {
  Result<CollectionId> id = PathId<CollectionId>(ids[0], "vector store");
  if (!id) {
    return std::unexpected(id.error());
  }
  Result<bool> no_mirror = ReadNoMirror(exchange);
  if (!no_mirror) {
    return std::unexpected(no_mirror.error());
  }
  Result<custody::Ticket> ticket = exchange.NewTicket({.actions = Action::kErase | Action::kList,
                                                       .collections = {*id},
                                                       .max_objects = kMaxObjects});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<custody::EraseReply> erased =
      exchange.services().library.DeleteCollection(*ticket, *id, *no_mirror);
  if (!erased) {
    return std::unexpected(erased.error());
  }
  AddErasureHeaders(exchange, *erased);
  json::Writer writer;
  writer.BeginObject().Key("id").String(id->ToString());
  writer.Key("object").String("vector_store.deleted").Key("deleted").Bool(true).EndObject();
  return exchange.SendJson(writer.Take());
}

Result<void> SearchVectorStore(Exchange& exchange, const Ids& ids) {
  Result<CollectionId> id = PathId<CollectionId>(ids[0], "vector store");
  if (!id) {
    return std::unexpected(id.error());
  }
  Result<json::Document> body = exchange.ParseBody();
  if (!body) {
    return std::unexpected(body.error());
  }
  Result<SearchRequest> request = ParseSearchRequest(body->root());
  if (!request) {
    return std::unexpected(request.error());
  }
  exchange.Ignore(request->ignored);
  Result<custody::Ticket> ticket = exchange.NewTicket(SearchScope({*id}));
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<std::vector<retrieval::SearchHit>> hits = exchange.services().library.Search(
      *ticket, std::span(&*id, 1), request->query, request->limit);
  if (!hits) {
    return std::unexpected(hits.error());
  }
  for (const retrieval::SearchHit& hit : *hits) {
    exchange.Touch(hit.label);
  }
  return exchange.SendJson(SearchPageJson(*request, *hits));
}

}  // namespace casemate::api
