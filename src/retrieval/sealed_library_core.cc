#include "retrieval/sealed_library_core.h"

#include <algorithm>
#include <utility>

namespace casemate::retrieval {

using policy::Purpose;
using storage::Part;

namespace {

constexpr std::size_t kReadPiece = std::size_t{1} << 20U;
constexpr std::uint32_t kIndexTicketMs = 3'600'000;  // and prolonged while it is in use

}  // namespace

SealedLibrary::Core::Core(storage::TenantStore& the_store, custody::ReleaseClient& client,
                          inference::RoomDirectory& rooms, Parser parser,
                          SealedLibraryOptions the_options)
    : store(the_store),
      options(std::move(the_options)),
      vault(client, the_store.tenant(), options.tenant_object),
      pipeline(rooms, std::move(parser), options.pipeline) {
  indexes = std::make_shared<IndexCache>(options.index_idle,
                                         [this](CollectionId collection, policy::Label ceiling) {
                                           return MakeIndex(collection, ceiling);
                                         });
  background = std::make_unique<Background>(
      store, vault, pipeline,
      Background::Options{options.system_principal, options.retry_after, options.erase_every});
}

Result<storage::FileRow> SealedLibrary::Core::FileOf(FileId id) const {
  Result<std::optional<storage::FileRow>> row = store.GetFile(id);
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row) {
    return Fail(ErrorCode::kNotFound, "file '" + id.ToString() + "' does not exist");
  }
  return std::move(**row);
}

Result<storage::CollectionRow> SealedLibrary::Core::CollectionOf(CollectionId id) const {
  Result<std::optional<storage::CollectionRow>> row = store.GetCollection(id);
  if (!row) {
    return std::unexpected(row.error());
  }
  if (!*row) {
    return Fail(ErrorCode::kNotFound, "collection '" + id.ToString() + "' does not exist");
  }
  return std::move(**row);
}

Result<std::pair<storage::CollectionRow, policy::Label>> SealedLibrary::Core::OpenCollection(
    const custody::Ticket& ticket, CollectionId id) const {
  Result<storage::CollectionRow> row = CollectionOf(id);
  if (!row) {
    return std::unexpected(row.error());
  }
  Result<custody::Lease> lease = vault.OpenOne(
      ticket, Purpose::kMetadata, {As<ObjectId>(id), row->slot}, "collection " + id.ToString());
  if (!lease) {
    return std::unexpected(lease.error());
  }
  return std::pair(std::move(*row), lease->label());
}

Result<FileInfo> SealedLibrary::Core::InfoOf(const storage::FileRow& row,
                                             const custody::Lease& lease) const {
  Result<FileMetadata> metadata =
      vault.Open<FileMetadata>(lease, vault.PlaceOf(As<ObjectId>(row.id), Part::kFileMetadata),
                               row.id.ToString(), row.metadata);
  if (!metadata) {
    return std::unexpected(metadata.error());
  }
  FileInfo info;
  info.id = row.id;
  info.name = std::move(metadata->name);
  info.purpose = std::move(metadata->purpose);
  info.bytes = metadata->bytes;
  info.created = row.created;
  info.label = metadata->label;
  return info;
}

Result<CollectionInfo> SealedLibrary::Core::InfoOf(const storage::CollectionRow& row,
                                                   const custody::Lease& lease) const {
  Result<CollectionMetadata> metadata = vault.Open<CollectionMetadata>(
      lease, vault.PlaceOf(As<ObjectId>(row.id), Part::kCollectionMetadata), row.id.ToString(),
      row.metadata);
  if (!metadata) {
    return std::unexpected(metadata.error());
  }
  CollectionInfo info;
  info.id = row.id;
  info.name = std::move(metadata->name);
  info.label = lease.label();
  info.created = row.created;
  info.bytes = row.bytes;
  info.in_progress = row.in_state[static_cast<int>(AttachmentStatus::kInProgress)];
  info.completed = row.in_state[static_cast<int>(AttachmentStatus::kCompleted)];
  info.failed = row.in_state[static_cast<int>(AttachmentStatus::kFailed)];
  info.cancelled = row.in_state[static_cast<int>(AttachmentStatus::kCancelled)];
  return info;
}

Result<AttachmentInfo> SealedLibrary::Core::InfoOf(const storage::AttachmentRow& row,
                                                   const custody::Lease& lease) const {
  const std::string name = row.file.ToString();
  Result<AttachmentMetadata> metadata = vault.Open<AttachmentMetadata>(
      lease, vault.PlaceOf(row.ref.id, Part::kAttachmentMetadata), name, row.metadata);
  if (!metadata) {
    return std::unexpected(metadata.error());
  }
  if (metadata->file != row.file || metadata->collection != row.collection) {
    return storage::FailDamaged(name, Part::kAttachmentMetadata, "moved from elsewhere");
  }
  AttachmentInfo info;
  info.file = row.file;
  info.collection = row.collection;
  info.status = static_cast<AttachmentStatus>(row.state);
  info.label = lease.label();
  info.created = row.created;
  info.bytes = row.bytes;
  info.chunks = metadata->chunks;
  if (row.state == storage::AttachmentState::kFailed && metadata->failure != 0) {
    info.failure = Error{.code = static_cast<ErrorCode>(metadata->failure),
                         .message = metadata->message,
                         .param = {},
                         .detail = {}};
  }
  return info;
}

// The store's counts are of everything; to a caller under a ceiling what is above it does not
// exist.
Result<void> SealedLibrary::Core::CountVisible(const custody::Ticket& ticket,
                                               CollectionInfo& info) const {
  if (ticket.ceiling(info.id) >= options.highest_label) {
    return {};
  }
  info.bytes = 0;
  info.in_progress = info.completed = info.failed = info.cancelled = 0;
  storage::RowPage page{.limit = custody::kMaxObjectsPerRelease, .ascending = true, .after = {}};
  for (;;) {
    Result<std::vector<storage::AttachmentRow>> rows = store.ListAttachments(info.id, page);
    if (!rows) {
      return std::unexpected(rows.error());
    }
    std::vector<custody::ObjectRef> refs;
    for (const storage::AttachmentRow& row : *rows) {
      refs.push_back(row.ref);
    }
    Result<std::vector<bool>> visible = vault.Visible(ticket, Purpose::kMetadata, refs);
    if (!visible) {
      return std::unexpected(visible.error());
    }
    for (std::size_t i = 0; i < rows->size(); ++i) {
      if (!(*visible)[i]) {
        continue;
      }
      info.bytes += (*rows)[i].bytes;
      switch ((*rows)[i].state) {
        case storage::AttachmentState::kInProgress:
          ++info.in_progress;
          break;
        case storage::AttachmentState::kCompleted:
          ++info.completed;
          break;
        case storage::AttachmentState::kFailed:
          ++info.failed;
          break;
        case storage::AttachmentState::kCancelled:
          ++info.cancelled;
          break;
      }
    }
    if (rows->size() < page.limit) {
      return {};
    }
    page.after = As<ObjectId>(rows->back().file);
  }
}

Result<void> SealedLibrary::Core::CheckName(PlaintextView name) const {
  if (name.empty() || name.size() > options.max_name_bytes) {
    return Fail(ErrorCode::kInvalidArgument, "a name of " + std::to_string(name.size()) +
                                                 " bytes, expected 1 to " +
                                                 std::to_string(options.max_name_bytes));
  }
  return {};
}

Result<void> SealedLibrary::Core::CheckSize(PlaintextView content) const {
  if (content.size() > options.max_file_bytes) {
    return Fail(ErrorCode::kTooLarge, "a file of " + std::to_string(content.size()) +
                                          " bytes, at most " +
                                          std::to_string(options.max_file_bytes) + " are taken");
  }
  return {};
}

Result<std::unique_ptr<CollectionIndex>> SealedLibrary::Core::MakeIndex(CollectionId collection,
                                                                        policy::Label ceiling) {
  custody::TicketRequest request;
  request.principal = options.system_principal;
  request.justification = policy::Justification::kGoogleInitiatedSystemOperation;
  request.actions = policy::Action::kIndex | policy::Action::kSearch;
  request.label = ceiling;
  request.collections.push_back(collection);
  request.max_objects = UINT32_MAX;
  request.duration_ms = kIndexTicketMs;
  Result<custody::Ticket> ticket = vault.client().Request(request);
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  ticket->OnRevoked(indexes->Waker());
  return CollectionIndex::Make(store, vault, collection, pipeline.embedding_model(),
                               std::move(*ticket));
}

Result<custody::Created> CreateOne(custody::ReleaseClient& client, const custody::Ticket& ticket,
                                   custody::NewObject object,
                                   std::span<const policy::Purpose> purposes) {
  std::vector<custody::NewObject> objects;
  objects.push_back(std::move(object));
  Result<std::vector<custody::Created>> created =
      client.Create(ticket, std::move(objects), purposes);
  if (!created) {
    return std::unexpected(created.error());
  }
  if (created->size() != 1 || created->front().leases.size() != purposes.size()) {
    return Fail(ErrorCode::kUnavailable, "the custodian made another number of objects or keys");
  }
  return std::move(created->front());
}

Result<std::vector<storage::Segment>> SealSegments(const Vault& vault,
                                                   const custody::Lease& chunk_key,
                                                   const custody::Lease& vector_key,
                                                   const ObjectId& attachment, FileId file,
                                                   CollectionId collection, PlaintextView name,
                                                   const Prepared& prepared) {
  std::vector<storage::Segment> segments;
  const std::size_t total = (prepared.chunks.size() + kChunksPerSegment - 1) / kChunksPerSegment;
  for (std::uint32_t number = 0; number < total; ++number) {
    const std::size_t begin = number * kChunksPerSegment;
    const std::size_t end = std::min(begin + kChunksPerSegment, prepared.chunks.size());
    ChunkSegment chunks;
    chunks.file = file;
    chunks.collection = collection;
    chunks.segments = static_cast<std::uint32_t>(total);
    chunks.name = Plaintext::Copy(name);
    chunks.title = Plaintext::Copy(prepared.title.view());
    for (std::size_t i = begin; i < end; ++i) {
      const Chunk& chunk = prepared.chunks[i];
      chunks.chunks.push_back({.heading = Plaintext::Copy(chunk.heading.view()),
                               .text = Plaintext::Copy(chunk.text.view()),
                               .begin = chunk.begin,
                               .end = chunk.end});
      chunks.pages.push_back(chunk.page);
    }
    if (std::ranges::all_of(chunks.pages, [](std::uint32_t page) { return page == 0; })) {
      chunks.pages.clear();
    }
    Result<Bytes> sealed =
        vault.Seal(chunk_key, vault.PlaceOf(attachment, Part::kChunks, number), chunks);
    if (!sealed) {
      return std::unexpected(sealed.error());
    }
    segments.push_back({Part::kChunks, number, std::move(*sealed)});
    if (prepared.dimensions == 0) {
      continue;
    }
    VectorSegment vectors;
    vectors.model = prepared.model;
    vectors.dimensions = prepared.dimensions;
    vectors.count = static_cast<std::uint32_t>(end - begin);
    const std::size_t row_bytes = prepared.dimensions * sizeof(float);
    vectors.vectors =
        Plaintext::Copy(prepared.vectors.view().Part(begin * row_bytes, (end - begin) * row_bytes));
    sealed = vault.Seal(vector_key, vault.PlaceOf(attachment, Part::kVectors, number), vectors);
    if (!sealed) {
      return std::unexpected(sealed.error());
    }
    segments.push_back({Part::kVectors, number, std::move(*sealed)});
  }
  return segments;
}

Result<Plaintext> ReadContent(storage::TenantStore& store, const Vault& vault,
                              const custody::Lease& key, const storage::FileRow& file) {
  const std::string name = file.id.ToString();
  Result<crypto::SealReader> reader = store.objects().Read(
      key, vault.PlaceOf(As<ObjectId>(file.id), Part::kFileContent), name, file.object);
  if (!reader) {
    return std::unexpected(reader.error());
  }
  Plaintext content;
  content.Reserve(reader->size());
  while (content.size() < reader->size()) {
    const std::size_t want = std::min<std::uint64_t>(kReadPiece, reader->size() - content.size());
    Result<Plaintext> piece = reader->Read(content.size(), want);
    if (!piece) {
      if (piece.error().code == ErrorCode::kIntegrityFailure) {
        return storage::FailDamaged(name, Part::kFileContent, piece.error().message);
      }
      return std::unexpected(piece.error());
    }
    content.Append(*piece);
  }
  return content;
}

std::uint64_t BytesOf(const std::vector<storage::Segment>& segments) {
  std::uint64_t bytes = 0;
  for (const storage::Segment& segment : segments) {
    bytes += segment.sealed.size();
  }
  return bytes;
}

}  // namespace casemate::retrieval
