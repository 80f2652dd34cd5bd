#include <algorithm>

#include "api/endpoints.h"
#include "api/listing.h"
#include "api/query.h"
#include "api/upload.h"
#include "json/writer.h"

namespace casemate::api {
namespace {

using policy::Action;

constexpr std::string_view kPurposes[] = {"assistants", "batch", "fine-tune",
                                          "vision",     "evals", "user_data"};
constexpr std::uint32_t kMaxObjectsOne = 64;         // a file, its attachments, the tenant object
constexpr std::uint32_t kMaxObjectsListed = 20'000;  // a whole page of the longest list

bool KnownPurpose(std::string_view purpose) {
  return std::find(std::begin(kPurposes), std::end(kPurposes), purpose) != std::end(kPurposes);
}

void WriteFile(json::Writer& writer, const retrieval::FileInfo& file, const Exchange& exchange) {
  writer.BeginObject();
  writer.Key("id").String(file.id.ToString());
  writer.Key("object").String("file");
  writer.Key("bytes").Integer(static_cast<std::int64_t>(file.bytes));
  writer.Key("created_at").Integer(file.created);
  writer.Key("expires_at").Null();
  writer.Key("filename").Content(file.name);
  writer.Key("purpose").String(file.purpose);
  writer.Key("status").String("processed");
  writer.Key("status_details").Null();
  WriteLabel(writer, exchange.LabelName(file.label));
  writer.EndObject();
}

Result<custody::Ticket> OneFileTicket(Exchange& exchange, policy::ActionSet actions) {
  return exchange.NewTicket(
      {.actions = actions, .all_collections = true, .max_objects = kMaxObjectsOne});
}

}  // namespace

Result<void> CreateFile(Exchange& exchange, const Ids&) {
  Result<Upload> upload = ReadUpload(exchange);
  if (!upload) {
    return std::unexpected(upload.error());
  }
  if (!KnownPurpose(upload->purpose)) {
    return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                                 .message = "Invalid 'purpose': expected 'assistants', 'batch', "
                                            "'fine-tune', 'vision', 'evals' or 'user_data'.",
                                 .param = "purpose",
                                 .detail = {}});
  }
  Result<custody::Ticket> ticket = OneFileTicket(exchange, Action::kSeal | Action::kList);
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<retrieval::FileInfo> file = exchange.services().library.PutFile(
      *ticket, upload->filename, upload->purpose, upload->content, upload->label);
  if (!file) {
    return std::unexpected(file.error());
  }
  json::Writer writer;
  exchange.Touch(file->label);
  WriteFile(writer, *file, exchange);
  return exchange.SendJson(writer.Take());
}

Result<void> ListFiles(Exchange& exchange, const Ids&) {
  constexpr std::string_view kAlso[] = {"purpose"};
  Result<Query> query = Query::Parse(exchange.request().query);
  if (!query) {
    return std::unexpected(query.error());
  }
  Result<retrieval::Page> page = ParsePage(*query, 10'000, 10'000, kAlso);
  if (!page) {
    return std::unexpected(page.error());
  }
  Result<custody::Ticket> ticket =
      exchange.NewTicket({.actions = static_cast<policy::ActionSet>(Action::kList),
                          .all_collections = true,
                          .max_objects = kMaxObjectsListed});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<retrieval::Listed<retrieval::FileInfo>> files =
      exchange.services().library.ListFiles(*ticket, *page);
  if (!files) {
    return std::unexpected(files.error());
  }
  // The purpose is sealed with the name, so it is compared here, after opening.
  const std::string purpose = query->Word("purpose");
  std::erase_if(files->items, [&](const retrieval::FileInfo& file) {
    return !purpose.empty() && file.purpose != purpose;
  });
  const auto write = [&exchange](json::Writer& writer, const retrieval::FileInfo& file) {
    exchange.Touch(file.label);
    WriteFile(writer, file, exchange);
  };
  return exchange.SendJson(
      ListJson(*files, write, [](const retrieval::FileInfo& file) { return file.id.ToString(); }));
}

Result<void> GetFile(Exchange& exchange, const Ids& ids) {
  Result<FileId> id = PathId<FileId>(ids[0], "file");
  if (!id) {
    return std::unexpected(id.error());
  }
  Result<custody::Ticket> ticket =
      OneFileTicket(exchange, static_cast<policy::ActionSet>(Action::kList));
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<retrieval::FileInfo> file = exchange.services().library.GetFile(*ticket, *id);
  if (!file) {
    return std::unexpected(file.error());
  }
  json::Writer writer;
  exchange.Touch(file->label);
  WriteFile(writer, *file, exchange);
  return exchange.SendJson(writer.Take());
}

Result<void> GetFileContent(Exchange& exchange, const Ids& ids) {
  Result<FileId> id = PathId<FileId>(ids[0], "file");
  if (!id) {
    return std::unexpected(id.error());
  }
  Result<custody::Ticket> ticket = exchange.NewTicket({.actions = Action::kList | Action::kRead,
                                                       .all_collections = true,
                                                       .max_objects = kMaxObjectsOne,
                                                       .receipt = true});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<retrieval::FileInfo> file = exchange.services().library.GetFile(*ticket, *id);
  if (!file) {
    return std::unexpected(file.error());
  }
  exchange.Touch(file->label);
  Result<Plaintext> content = exchange.services().library.ReadFile(*ticket, *id);
  if (!content) {
    return std::unexpected(content.error());
  }
  return exchange.SendContent(*content, "application/octet-stream");
}

Result<void> DeleteFile(Exchange& exchange, const Ids& ids) {
  Result<FileId> id = PathId<FileId>(ids[0], "file");
  if (!id) {
    return std::unexpected(id.error());
  }
  Result<bool> no_mirror = ReadNoMirror(exchange);
  if (!no_mirror) {
    return std::unexpected(no_mirror.error());
  }
  Result<custody::Ticket> ticket = OneFileTicket(exchange, Action::kErase | Action::kList);
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<custody::EraseReply> erased =
      exchange.services().library.DeleteFile(*ticket, *id, *no_mirror);
  if (!erased) {
    return std::unexpected(erased.error());
  }
  AddErasureHeaders(exchange, *erased);
  json::Writer writer;
  writer.BeginObject().Key("id").String(id->ToString()).Key("object").String("file");
  writer.Key("deleted").Bool(true).EndObject();
  return exchange.SendJson(writer.Take());
}

}  // namespace casemate::api
