#include <algorithm>
#include <array>

#include "api/endpoints.h"
#include "api/errors.h"
#include "api/fields.h"
#include "api/listing.h"
#include "api/query.h"
#include "api/upload.h"
#include "json/writer.h"

// Files that are added to a vector store together.
namespace casemate::api {
namespace {

using policy::Action;
using retrieval::AttachmentInfo;
using retrieval::AttachmentStatus;
using retrieval::BatchInfo;
using storage::BatchId;

constexpr std::uint32_t kMaxObjects = 4096;
constexpr std::string_view kServed[] = {"file_ids", "files"};
constexpr std::string_view kIgnored[] = {"attributes", "chunking_strategy"};
constexpr std::string_view kFileServed[] = {"file_id"};

struct Place {
  CollectionId store;
  BatchId batch;
};

Result<Place> ReadPlace(const Ids& ids) {
  Result<CollectionId> store = PathId<CollectionId>(ids[0], "vector store");
  if (!store) {
    return std::unexpected(store.error());
  }
  Result<BatchId> batch = PathId<BatchId>(ids[1], "file batch");
  if (!batch) {
    return std::unexpected(batch.error());
  }
  return Place{*store, *batch};
}

// An id in text, or with `in_objects` an object that has it as its file_id.
Result<FileId> ReadFile(const json::Value& value, bool in_objects,
                        std::vector<std::string>& ignored) {
  std::optional<json::Value> id = value;
  if (in_objects) {
    Result<std::vector<std::string>> known = CheckFields(value, {kFileServed, kIgnored});
    if (!known) {
      return std::unexpected(known.error());
    }
    std::ranges::move(*known, std::back_inserter(ignored));
    Result<json::Value> member = value.Require("file_id");
    if (!member) {
      return std::unexpected(member.error());
    }
    id = *member;
  }
  Result<std::string> text = id->AsName();
  if (!text) {
    return std::unexpected(text.error());
  }
  Result<FileId> file = PathId<FileId>(*text, "file");
  return file ? file : About(file.error(), id->path());
}

struct NewBatch {
  std::vector<FileId> files;
  std::vector<std::string> ignored;
};

Result<NewBatch> ParseNewBatch(const json::Value& root) {
  Result<std::vector<std::string>> known = CheckFields(root, {kServed, kIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  NewBatch batch{.files = {}, .ignored = std::move(*known)};
  const std::optional<json::Value> objects = root.GetSet("files");
  const std::optional<json::Value> ids = root.GetSet("file_ids");
  if (objects.has_value() == ids.has_value()) {
    return About(
        Error{ErrorCode::kInvalidArgument, "Expected one of 'file_ids' and 'files'.", {}, {}},
        "file_ids");
  }
  const json::Value& list = objects ? *objects : *ids;
  if (list.kind() != json::Value::Kind::kArray || list.size() == 0 ||
      list.size() > retrieval::kMaxBatchFiles) {
    return BadField(list, "Invalid '" + list.path() + "': expected an array of 1 to " +
                              std::to_string(retrieval::kMaxBatchFiles) + " files.");
  }
  for (const json::Value& value : list.Elements()) {
    Result<FileId> file = ReadFile(value, objects.has_value(), batch.ignored);
    if (!file) {
      return std::unexpected(file.error());
    }
    batch.files.push_back(*file);
  }
  std::ranges::sort(batch.ignored);
  batch.ignored.erase(std::ranges::unique(batch.ignored).begin(), batch.ignored.end());
  return batch;
}

Result<void> SendBatch(Exchange& exchange, const BatchInfo& batch) {
  std::array<std::int64_t, 5> in_state{};
  for (const AttachmentInfo& attachment : batch.attachments) {
    exchange.Touch(attachment.label);
    ++in_state[static_cast<std::size_t>(attachment.status)];
  }
  const auto count = [&](AttachmentStatus status) {
    return in_state[static_cast<std::size_t>(status)];
  };
  const auto total = static_cast<std::int64_t>(batch.attachments.size());
  const bool all_cancelled = total > 0 && count(AttachmentStatus::kCancelled) == total;
  json::Writer writer;
  writer.BeginObject();
  writer.Key("id").String(batch.id.ToString());
  writer.Key("object").String("vector_store.files_batch");
  writer.Key("created_at").Integer(batch.created);
  writer.Key("vector_store_id").String(batch.collection.ToString());
  writer.Key("status").String(count(AttachmentStatus::kInProgress) > 0 ? "in_progress"
                              : all_cancelled                          ? "cancelled"
                                                                       : "completed");
  writer.Key("file_counts").BeginObject();
  for (const AttachmentStatus status : {AttachmentStatus::kInProgress, AttachmentStatus::kCompleted,
                                        AttachmentStatus::kFailed, AttachmentStatus::kCancelled}) {
    writer.Key(AttachmentStatusName(status)).Integer(count(status));
  }
  writer.Key("total").Integer(total);
  writer.EndObject();
  writer.EndObject();
  return exchange.SendJson(writer.Take());
}

Result<BatchInfo> FindBatch(Exchange& exchange, const Place& place) {
  Result<custody::Ticket> ticket =
      exchange.NewTicket({.actions = static_cast<policy::ActionSet>(Action::kList),
                          .collections = {place.store},
                          .max_objects = kMaxObjects});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  return exchange.services().library.GetBatch(*ticket, place.store, place.batch);
}

// What `page` shows of them: newest first unless it says otherwise.
retrieval::Listed<AttachmentInfo> Cut(std::vector<AttachmentInfo> all,
                                      const retrieval::Page& page) {
  if (!page.ascending) {
    std::ranges::reverse(all);
  }
  const auto last_seen = std::ranges::find_if(all, [&](const AttachmentInfo& attachment) {
    return attachment.file.ToString() == page.after;
  });
  if (last_seen != all.end()) {
    all.erase(all.begin(), last_seen + 1);
  }
  retrieval::Listed<AttachmentInfo> listed;
  listed.has_more = all.size() > page.limit;
  all.resize(std::min(all.size(), page.limit));
  listed.items = std::move(all);
  return listed;
}

}  // namespace

Result<void> CreateFileBatch(Exchange& exchange, const Ids& ids) {
  Result<CollectionId> store = PathId<CollectionId>(ids[0], "vector store");
  if (!store) {
    return std::unexpected(store.error());
  }
  Result<json::Document> body = exchange.ParseBody();
  if (!body) {
    return std::unexpected(body.error());
  }
  Result<NewBatch> request = ParseNewBatch(body->root());
  if (!request) {
    return std::unexpected(request.error());
  }
  exchange.Ignore(request->ignored);
  Result<custody::Ticket> ticket =
      exchange.NewTicket({.actions = Action::kSeal | Action::kList | Action::kRead,
                          .collections = {*store},
                          .max_objects = kMaxObjects});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<BatchInfo> batch =
      exchange.services().library.AttachBatch(*ticket, *store, request->files);
  return batch ? SendBatch(exchange, *batch) : About(batch.error(), "file_ids");
}

Result<void> GetFileBatch(Exchange& exchange, const Ids& ids) {
  Result<Place> place = ReadPlace(ids);
  if (!place) {
    return std::unexpected(place.error());
  }
  Result<BatchInfo> batch = FindBatch(exchange, *place);
  return batch ? SendBatch(exchange, *batch) : std::unexpected(batch.error());
}

Result<void> CancelFileBatch(Exchange& exchange, const Ids& ids) {
  Result<Place> place = ReadPlace(ids);
  if (!place) {
    return std::unexpected(place.error());
  }
  Result<custody::Ticket> ticket = exchange.NewTicket({.actions = Action::kSeal | Action::kList,
                                                       .collections = {place->store},
                                                       .max_objects = kMaxObjects});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<BatchInfo> batch =
      exchange.services().library.CancelBatch(*ticket, place->store, place->batch);
  return batch ? SendBatch(exchange, *batch) : std::unexpected(batch.error());
}

Result<void> ListFilesOfBatch(Exchange& exchange, const Ids& ids) {
  constexpr std::string_view kAlso[] = {"filter"};
  Result<Place> place = ReadPlace(ids);
  if (!place) {
    return std::unexpected(place.error());
  }
  Result<Query> query = Query::Parse(exchange.request().query);
  if (!query) {
    return std::unexpected(query.error());
  }
  Result<retrieval::Page> page = ParsePage(*query, 20, 100, kAlso);
  if (!page) {
    return std::unexpected(page.error());
  }
  Result<BatchInfo> batch = FindBatch(exchange, *place);
  if (!batch) {
    return std::unexpected(batch.error());
  }
  const std::string status = query->Word("filter");
  std::erase_if(batch->attachments, [&](const AttachmentInfo& attachment) {
    return !status.empty() && AttachmentStatusName(attachment.status) != status;
  });
  const retrieval::Listed<AttachmentInfo> files = Cut(std::move(batch->attachments), *page);
  for (const AttachmentInfo& attachment : files.items) {
    exchange.Touch(attachment.label);
  }
  return exchange.SendJson(ListJson(files, WriteAttachment, [](const AttachmentInfo& attachment) {
    return attachment.file.ToString();
  }));
}

}  // namespace casemate::api
