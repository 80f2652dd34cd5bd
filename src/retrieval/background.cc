#include "retrieval/background.h"

#include <array>
#include <utility>

#include "base/log.h"
#include "retrieval/sealed_library_core.h"

namespace casemate::retrieval {
namespace {

using policy::Purpose;
using storage::Part;

// A parser that dies on a document is tried again, in case something else killed it.
constexpr int kAttempts = 3;
constexpr std::uint32_t kTicketMs = 3'600'000;

bool IsAboutDocument(ErrorCode code) {
  return code == ErrorCode::kInvalidArgument || code == ErrorCode::kTooLarge ||
         code == ErrorCode::kDeadlineExceeded || code == ErrorCode::kIntegrityFailure;
}

}  // namespace

Background::Background(storage::TenantStore& store, const Vault& vault, const Pipeline& pipeline,
                       Options options)
    : store_(store),
      vault_(vault),
      pipeline_(pipeline),
      options_(options),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

Background::~Background() {
  thread_.request_stop();
  thread_.join();
}

void Background::Wake() {
  {
    const std::lock_guard lock(mutex_);
    awake_ = true;
  }
  wake_.notify_all();
}

bool Background::mirror_missing() const {
  const std::lock_guard lock(mutex_);
  return mirror_missing_;
}

void Background::Run(const std::stop_token& stop) {
  BootClock::time_point next_erasure = BootClock::now();
  while (!stop.stop_requested()) {
    {
      const std::lock_guard lock(mutex_);
      awake_ = false;
    }
    Outcome outcome = FinishAttachments(stop);
    if (!stop.stop_requested() && BootClock::now() >= next_erasure) {
      if (EraseReplaced() == Outcome::kLater) {
        outcome = Outcome::kLater;
      }
      next_erasure = BootClock::now() + options_.erase_every;
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop,
                   outcome == Outcome::kLater ? options_.retry_after : options_.erase_every,
                   [&] { return awake_; });
  }
}

Result<custody::Ticket> Background::Ask(policy::ActionSet actions, CollectionId collection) {
  custody::TicketRequest request;
  request.principal = options_.principal;
  request.justification = policy::Justification::kGoogleInitiatedSystemOperation;
  request.actions = actions;
  request.label = policy::kHighestLabel;
  if (!collection.is_none()) {
    request.collections.push_back(collection);
  }
  request.max_objects = static_cast<std::uint32_t>(custody::kMaxObjectsPerRelease);
  request.duration_ms = kTicketMs;
  return vault_.client().Request(request);
}

Background::Outcome Background::FinishAttachments(const std::stop_token& stop) {
  Result<std::vector<storage::AttachmentRow>> rows = store_.AttachmentsInProgress();
  if (!rows) {
    LogError("attachments in progress cannot be read", rows.error());
    return Outcome::kLater;
  }
  Outcome outcome = Outcome::kDone;
  for (const storage::AttachmentRow& row : *rows) {
    if (stop.stop_requested()) {
      break;
    }
    if (Finish(row) == Outcome::kLater) {
      outcome = Outcome::kLater;
    }
  }
  return outcome;
}

Background::Outcome Background::Finish(const storage::AttachmentRow& row) {
  Result<custody::Ticket> ticket =
      Ask(policy::Action::kRead | policy::Action::kList | policy::Action::kSearch, row.collection);
  if (!ticket) {
    LogError("no ticket for an attachment", ticket.error());
    return Outcome::kLater;
  }
  Result<void> done = Process(*ticket, row);
  if (!done && done.error().code == ErrorCode::kNotFound) {
    done = {};  // erased meanwhile: its rows go with it
  }
  if (!done &&
      (IsAboutDocument(done.error().code) ||
       (done.error().code == ErrorCode::kUnavailable && ++attempts_[row.ref.id] >= kAttempts))) {
    done = RecordFailure(*ticket, row, done.error());
  }
  if (Result<custody::CloseTicketReply> closed = vault_.client().Close(std::move(*ticket));
      !closed) {
    LogError("a ticket could not be closed", closed.error());
  }
  if (!done) {
    // Its code only: a parser's words may be the document's.
    Log(LogLevel::kWarning, "an attachment has to wait",
        {{"file", row.file.ToString()}, {"code", done.error().code}});
    return Outcome::kLater;
  }
  attempts_.erase(row.ref.id);
  return Outcome::kDone;
}

Result<void> Background::Process(const custody::Ticket& ticket, const storage::AttachmentRow& row) {
  const std::string name = row.file.ToString();
  Result<std::optional<storage::FileRow>> file = store_.GetFile(row.file);
  if (!file) {
    return std::unexpected(file.error());
  }
  if (!*file) {
    return Fail(ErrorCode::kNotFound, name + " does not exist");
  }
  const custody::ObjectRef file_ref{As<ObjectId>(row.file), (*file)->slot};
  Result<custody::Lease> metadata_key = vault_.OpenOne(ticket, Purpose::kMetadata, file_ref, name);
  if (!metadata_key) {
    return std::unexpected(metadata_key.error());
  }
  Result<FileMetadata> metadata = vault_.Open<FileMetadata>(
      *metadata_key, vault_.PlaceOf(file_ref.id, Part::kFileMetadata), name, (*file)->metadata);
  if (!metadata) {
    return std::unexpected(metadata.error());
  }
  Result<custody::Lease> content_key = vault_.OpenOne(ticket, Purpose::kContent, file_ref, name);
  if (!content_key) {
    return std::unexpected(content_key.error());
  }
  Result<Plaintext> content = ReadContent(store_, vault_, *content_key, **file);
  if (!content) {
    return std::unexpected(content.error());
  }
  Result<Prepared> prepared = pipeline_.Prepare(metadata->name, *content);
  if (!prepared) {
    return std::unexpected(prepared.error());
  }
  content->Clear();

  std::array<std::optional<custody::Lease>, 3> keys;
  constexpr std::array kPurposes = {Purpose::kMetadata, Purpose::kChunks, Purpose::kVectors};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    Result<custody::Lease> key = vault_.OpenOne(ticket, kPurposes[i], row.ref, name);
    if (!key) {
      return std::unexpected(key.error());
    }
    keys[i].emplace(std::move(*key));
  }
  Result<std::vector<storage::Segment>> segments = SealSegments(
      vault_, *keys[1], *keys[2], row.ref.id, row.file, row.collection, metadata->name, *prepared);
  if (!segments) {
    return std::unexpected(segments.error());
  }
  AttachmentMetadata record;
  record.file = row.file;
  record.collection = row.collection;
  record.label = keys[0]->label();
  record.chunks = static_cast<std::uint32_t>(prepared->chunks.size());
  Result<Bytes> sealed =
      vault_.Seal(*keys[0], vault_.PlaceOf(row.ref.id, Part::kAttachmentMetadata), record);
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  storage::AttachmentRow finished = row;
  finished.state = storage::AttachmentState::kCompleted;
  finished.metadata = std::move(*sealed);
  finished.bytes = BytesOf(*segments);
  Result<bool> stored = store_.FinishAttachment(finished, *segments);
  return stored ? Result<void>() : std::unexpected(stored.error());
}

Result<void> Background::RecordFailure(const custody::Ticket& ticket,
                                       const storage::AttachmentRow& row, const Error& error) {
  Result<custody::Lease> key =
      vault_.OpenOne(ticket, Purpose::kMetadata, row.ref, row.file.ToString());
  if (!key) {
    return std::unexpected(key.error());
  }
  AttachmentMetadata record;
  record.file = row.file;
  record.collection = row.collection;
  record.label = key->label();
  record.failure = static_cast<std::uint8_t>(error.code);
  record.message = error.message;
  Result<Bytes> sealed =
      vault_.Seal(*key, vault_.PlaceOf(row.ref.id, Part::kAttachmentMetadata), record);
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  storage::AttachmentRow failed = row;
  failed.state = storage::AttachmentState::kFailed;
  failed.metadata = std::move(*sealed);
  failed.bytes = 0;
  Result<bool> stored = store_.FinishAttachment(failed, {});
  return stored ? Result<void>() : std::unexpected(stored.error());
}

Background::Outcome Background::EraseReplaced() {
  Result<std::vector<custody::ObjectRef>> refs =
      store_.PendingErasures(custody::kMaxObjectsPerRelease);
  if (!refs || refs->empty()) {
    return Outcome::kDone;
  }
  {
    // Asked once a start: a mirror is set in the configuration.
    const std::lock_guard lock(mutex_);
    if (mirror_missing_) {
      return Outcome::kDone;
    }
  }
  Result<custody::Ticket> ticket = Ask(static_cast<policy::ActionSet>(policy::Action::kErase), {});
  if (!ticket) {
    LogError("no ticket to erase what was replaced", ticket.error());
    return Outcome::kLater;
  }
  Result<custody::EraseReply> erased = vault_.client().Erase(*ticket, *refs, false);
  std::vector<custody::ObjectRef> done;
  if (erased) {
    done = *refs;
  } else if (erased.error().code == ErrorCode::kNotFound) {
    // Some were erased before a crash: one by one.
    for (const custody::ObjectRef& ref : *refs) {
      Result<custody::EraseReply> one = vault_.client().Erase(*ticket, {&ref, 1}, false);
      if (one || one.error().code == ErrorCode::kNotFound) {
        done.push_back(ref);
      }
    }
  } else {
    LogError("what was replaced keeps its key", erased.error(), {{"objects", refs->size()}});
    const std::lock_guard lock(mutex_);
    mirror_missing_ = erased.error().code == ErrorCode::kInvalidArgument;
  }
  if (Result<custody::CloseTicketReply> closed = vault_.client().Close(std::move(*ticket));
      !closed) {
    LogError("a ticket could not be closed", closed.error());
  }
  if (Result<void> noted = store_.ErasuresDone(done); !noted) {
    LogError("an erasure could not be noted", noted.error());
    return Outcome::kLater;
  }
  return done.size() == refs->size() || mirror_missing() ? Outcome::kDone : Outcome::kLater;
}

}  // namespace casemate::retrieval
