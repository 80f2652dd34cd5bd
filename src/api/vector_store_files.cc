#include "api/endpoints.h"
#include "api/errors.h"
#include "api/fields.h"
#include "api/listing.h"
#include "api/query.h"
#include "api/upload.h"
#include "json/writer.h"

namespace casemate::api {
namespace {

using policy::Action;
using retrieval::AttachmentInfo;
using retrieval::AttachmentStatus;

constexpr std::uint32_t kMaxObjects = 4096;
constexpr std::string_view kServed[] = {"file_id"};
constexpr std::string_view kIgnored[] = {"attributes", "chunking_strategy"};

// OpenAI has three codes: the document is of a kind that is not read, is broken, or we failed.
std::string_view FailureCode(const Error& failure) {
  if (failure.code == ErrorCode::kInvalidArgument) {
    return "unsupported_file";
  }
  return failure.code == ErrorCode::kTooLarge ? "invalid_file" : "server_error";
}

Result<custody::Ticket> StoreTicket(Exchange& exchange, CollectionId store,
                                    policy::ActionSet actions) {
  return exchange.NewTicket(
      {.actions = actions, .collections = {store}, .max_objects = kMaxObjects});
}

Result<FileId> ReadFileId(const json::Value& root) {
  Result<json::Value> value = root.Require("file_id");
  if (!value) {
    return std::unexpected(value.error());
  }
  Result<std::string> text = value->AsName();
  if (!text) {
    return std::unexpected(text.error());
  }
  Result<FileId> id = PathId<FileId>(*text, "file");
  return id ? id : About(id.error(), "file_id");
}

struct Place {
  CollectionId store;
  FileId file;
};
Result<Place> ReadPlace(const Ids& ids) {
  Result<CollectionId> store = PathId<CollectionId>(ids[0], "vector store");
  if (!store) {
    return std::unexpected(store.error());
  }
  Result<FileId> file = PathId<FileId>(ids[1], "file");
  if (!file) {
    return std::unexpected(file.error());
  }
  return Place{*store, *file};
}

}  // namespace

std::string_view AttachmentStatusName(AttachmentStatus status) {
  switch (status) {
    case AttachmentStatus::kInProgress:
      return "in_progress";
    case AttachmentStatus::kCompleted:
      return "completed";
    case AttachmentStatus::kFailed:
      return "failed";
    case AttachmentStatus::kCancelled:
      return "cancelled";
  }
  return "failed";
}

void WriteAttachment(json::Writer& writer, const AttachmentInfo& attachment) {
  writer.BeginObject();
  writer.Key("id").String(attachment.file.ToString());
  writer.Key("object").String("vector_store.file");
  writer.Key("usage_bytes").Integer(static_cast<std::int64_t>(attachment.bytes));
  writer.Key("created_at").Integer(attachment.created);
  writer.Key("vector_store_id").String(attachment.collection.ToString());
  writer.Key("status").String(AttachmentStatusName(attachment.status));
  writer.Key("last_error");
  if (attachment.failure) {
    writer.BeginObject();
    writer.Key("code").String(FailureCode(*attachment.failure));
    writer.Key("message").String(attachment.failure->message);
    writer.EndObject();
  } else {
    writer.Null();
  }
  writer.Key("attributes").BeginObject().EndObject();
  writer.EndObject();
}

Result<void> AttachFile(Exchange& exchange, const Ids& ids) {
  Result<CollectionId> store = PathId<CollectionId>(ids[0], "vector store");
  if (!store) {
    return std::unexpected(store.error());
  }
  Result<json::Document> body = exchange.ParseBody();
  if (!body) {
    return std::unexpected(body.error());
  }
  Result<std::vector<std::string>> ignored = CheckFields(body->root(), {kServed, kIgnored});
  if (!ignored) {
    return std::unexpected(ignored.error());
  }
  exchange.Ignore(*ignored);
  Result<FileId> file = ReadFileId(body->root());
  if (!file) {
    return std::unexpected(file.error());
  }
  Result<custody::Ticket> ticket =
      StoreTicket(exchange, *store, Action::kSeal | Action::kList | Action::kRead);
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<AttachmentInfo> attached = exchange.services().library.Attach(*ticket, *store, *file);
  if (!attached) {
    return std::unexpected(attached.error());
  }
  exchange.Touch(attached->label);
  json::Writer writer;
  WriteAttachment(writer, *attached);
  return exchange.SendJson(writer.Take());
}

Result<void> ListAttachedFiles(Exchange& exchange, const Ids& ids) {
  constexpr std::string_view kAlso[] = {"filter"};
  Result<CollectionId> store = PathId<CollectionId>(ids[0], "vector store");
  if (!store) {
    return std::unexpected(store.error());
  }
  Result<Query> query = Query::Parse(exchange.request().query);
  if (!query) {
    return std::unexpected(query.error());
  }
  Result<retrieval::Page> page = ParsePage(*query, 20, 100, kAlso);
  if (!page) {
    return std::unexpected(page.error());
  }
  Result<custody::Ticket> ticket =
      StoreTicket(exchange, *store, static_cast<policy::ActionSet>(Action::kList));
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<retrieval::Listed<AttachmentInfo>> files =
      exchange.services().library.ListAttachments(*ticket, *store, *page);
  if (!files) {
    return std::unexpected(files.error());
  }
  const std::string status = query->Word("filter");
  std::erase_if(files->items, [&](const AttachmentInfo& attachment) {
    return !status.empty() && AttachmentStatusName(attachment.status) != status;
  });
  for (const AttachmentInfo& attachment : files->items) {
    exchange.Touch(attachment.label);
  }
  return exchange.SendJson(ListJson(*files, WriteAttachment, [](const AttachmentInfo& attachment) {
    return attachment.file.ToString();
  }));
}

Result<void> GetAttachedFile(Exchange& exchange, const Ids& ids) {
  Result<Place> place = ReadPlace(ids);
  if (!place) {
    return std::unexpected(place.error());
  }
  Result<custody::Ticket> ticket =
      StoreTicket(exchange, place->store, static_cast<policy::ActionSet>(Action::kList));
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<AttachmentInfo> attachment =
      exchange.services().library.GetAttachment(*ticket, place->store, place->file);
  if (!attachment) {
    return std::unexpected(attachment.error());
  }
  exchange.Touch(attachment->label);
  json::Writer writer;
  WriteAttachment(writer, *attachment);
  return exchange.SendJson(writer.Take());
}

Result<void> DetachFile(Exchange& exchange, const Ids& ids) {
  Result<Place> place = ReadPlace(ids);
  if (!place) {
    return std::unexpected(place.error());
  }
  Result<bool> no_mirror = ReadNoMirror(exchange);
  if (!no_mirror) {
    return std::unexpected(no_mirror.error());
  }
  Result<custody::Ticket> ticket =
      StoreTicket(exchange, place->store, Action::kErase | Action::kList);
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  if (Result<void> detached =
          exchange.services().library.Detach(*ticket, place->store, place->file, *no_mirror);
      !detached) {
    return detached;
  }
  json::Writer writer;
  writer.BeginObject().Key("id").String(place->file.ToString());
  writer.Key("object").String("vector_store.file.deleted").Key("deleted").Bool(true).EndObject();
  return exchange.SendJson(writer.Take());
}

}  // namespace casemate::api
