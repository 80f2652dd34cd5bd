#include "retrieval/collection_index.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>
#include <utility>

namespace casemate::retrieval {
namespace {

using storage::Part;

constexpr std::size_t kCandidates = 100;  // of each list, before fusion

}  // namespace

CollectionIndex::CollectionIndex(storage::TenantStore& store, const Vault& vault,
                                 CollectionId collection, std::string embedding_model,
                                 custody::Ticket ticket, KeywordIndex keywords)
    : store_(store),
      vault_(vault),
      collection_(collection),
      embedding_model_(std::move(embedding_model)),
      ticket_(std::move(ticket)),
      last_used_(BootClock::now()),
      keywords_(std::move(keywords)) {}

CollectionIndex::~CollectionIndex() = default;

Result<std::unique_ptr<CollectionIndex>> CollectionIndex::Make(storage::TenantStore& store,
                                                               const Vault& vault,
                                                               CollectionId collection,
                                                               std::string embedding_model,
                                                               custody::Ticket ticket) {
  Result<KeywordIndex> keywords = KeywordIndex::Make();
  if (!keywords) {
    return std::unexpected(keywords.error());
  }
  return std::unique_ptr<CollectionIndex>(
      new CollectionIndex(store, vault, collection, std::move(embedding_model), std::move(ticket),
                          std::move(*keywords)));
}

std::size_t CollectionIndex::chunks() const {
  const std::lock_guard lock(mutex_);
  return rows_.size();
}

void CollectionIndex::Forget(const ObjectId& attachment) {
  const auto found = documents_.find(attachment);
  if (found == documents_.end()) {
    return;
  }
  for (const std::int64_t row : found->second.rows) {
    if (Result<void> removed = keywords_.Remove(row); !removed) {
      generation_.reset();  // out of memory at worst; what has no row in rows_ is never shown
    }
    if (vectors_) {
      vectors_->Remove(row);
    }
    rows_.erase(row);
  }
  documents_.erase(found);
}

void CollectionIndex::Evict(std::span<const ObjectId> attachments) {
  const std::lock_guard lock(mutex_);
  for (const ObjectId& attachment : attachments) {
    Forget(attachment);
  }
}

Result<void> CollectionIndex::Follow() {
  // Read before the rows: what changes in between is seen the next time.
  const std::uint64_t generation = store_.Generation(collection_);
  if (generation_ == generation) {
    return {};
  }
  Result<std::vector<storage::AttachmentRow>> rows = store_.CompletedAttachments(collection_);
  if (!rows) {
    return std::unexpected(rows.error());
  }
  std::unordered_set<ObjectId> there;
  std::vector<storage::AttachmentRow> missing;
  for (storage::AttachmentRow& row : *rows) {
    there.insert(row.ref.id);
    if (!documents_.contains(row.ref.id)) {
      missing.push_back(std::move(row));
    }
  }
  std::vector<ObjectId> gone;
  for (const auto& [id, document] : documents_) {
    if (!there.contains(id)) {
      gone.push_back(id);
    }
  }
  for (const ObjectId& id : gone) {
    Forget(id);
  }
  for (std::size_t at = 0; at < missing.size(); at += custody::kMaxObjectsPerRelease) {
    const std::size_t end = std::min(at + custody::kMaxObjectsPerRelease, missing.size());
    std::vector<storage::AttachmentRow> batch(
        std::make_move_iterator(missing.begin() + static_cast<std::ptrdiff_t>(at)),
        std::make_move_iterator(missing.begin() + static_cast<std::ptrdiff_t>(end)));
    if (Result<void> loaded = Load(batch); !loaded) {
      return loaded;
    }
  }
  generation_ = generation;
  return {};
}

Result<void> CollectionIndex::Load(const std::vector<storage::AttachmentRow>& rows) {
  std::vector<custody::ObjectRef> refs;
  for (const storage::AttachmentRow& row : rows) {
    refs.push_back(row.ref);
  }
  Result<std::vector<custody::Reach>> reaches =
      vault_.Reaches(ticket_, policy::Purpose::kChunks, refs);
  if (!reaches) {
    return std::unexpected(reaches.error());
  }
  // Documents above the index's ceiling are not asked for. One that is in another collection than
  // the store says was moved there by somebody else.
  refs.clear();
  std::vector<const storage::AttachmentRow*> reached;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if ((*reaches)[i] == custody::Reach::kElsewhere) {
      return storage::FailDamaged(rows[i].file.ToString(), Part::kChunks, "moved from elsewhere");
    }
    if ((*reaches)[i] == custody::Reach::kOpens) {
      refs.push_back(rows[i].ref);
      reached.push_back(&rows[i]);
    }
  }
  auto chunk_keys = vault_.OpenAll(ticket_, policy::Purpose::kChunks, refs);
  if (!chunk_keys) {
    return std::unexpected(chunk_keys.error());
  }
  auto vector_keys = vault_.OpenAll(ticket_, policy::Purpose::kVectors, refs);
  if (!vector_keys) {
    return std::unexpected(vector_keys.error());
  }
  if (Result<void> begun = keywords_.Begin(); !begun) {
    return begun;
  }
  Result<void> loaded;
  for (std::size_t i = 0; i < reached.size() && loaded; ++i) {
    if ((*chunk_keys)[i] && (*vector_keys)[i]) {  // else erased: nothing opens it
      loaded = LoadOne(*reached[i], *(*chunk_keys)[i], *(*vector_keys)[i]);
    }
  }
  Result<void> committed = keywords_.Commit();
  return loaded ? committed : loaded;
}

Result<std::vector<VectorSegment>> CollectionIndex::OpenVectors(const storage::AttachmentRow& row,
                                                                const custody::Lease& key) const {
  Result<std::vector<Bytes>> sealed = store_.Segments(row.ref.id, Part::kVectors);
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  std::vector<VectorSegment> segments;
  for (std::uint32_t number = 0; number < sealed->size(); ++number) {
    Result<VectorSegment> segment =
        vault_.Open<VectorSegment>(key, vault_.PlaceOf(row.ref.id, Part::kVectors, number),
                                   row.file.ToString(), (*sealed)[number]);
    if (!segment) {
      return std::unexpected(segment.error());
    }
    if (segment->vectors.size() !=
        std::size_t{segment->count} * segment->dimensions * sizeof(float)) {
      return storage::FailDamaged(row.file.ToString(), Part::kVectors, "count and size differ");
    }
    segments.push_back(std::move(*segment));
  }
  return segments;
}

void CollectionIndex::AddVector(std::int64_t row, policy::Label label, const VectorSegment& segment,
                                std::size_t index) {
  if (segment.model != embedding_model_ || segment.dimensions == 0) {
    return;  // of another model: cannot be compared
  }
  if (!vectors_) {
    vectors_.emplace(segment.dimensions);
  }
  if (vectors_->dimensions() == segment.dimensions) {
    const auto* all = reinterpret_cast<const float*>(segment.vectors.view().RevealBytes().data());
    vectors_->Add(row, label, {all + index * segment.dimensions, segment.dimensions});
  }
}

Result<void> CollectionIndex::LoadOne(const storage::AttachmentRow& row,
                                      const custody::Lease& chunk_key,
                                      const custody::Lease& vector_key) {
  const std::string name = row.file.ToString();
  Result<std::vector<Bytes>> sealed = store_.Segments(row.ref.id, Part::kChunks);
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  if (sealed->empty()) {
    return {};  // removed since the rows were read
  }
  Result<std::vector<VectorSegment>> vectors = OpenVectors(row, vector_key);
  if (!vectors) {
    return std::unexpected(vectors.error());
  }
  // Everything is opened before anything is added: a document is in the index whole or not.
  std::vector<ChunkSegment> segments;
  for (std::uint32_t number = 0; number < sealed->size(); ++number) {
    Result<ChunkSegment> segment = vault_.Open<ChunkSegment>(
        chunk_key, vault_.PlaceOf(row.ref.id, Part::kChunks, number), name, (*sealed)[number]);
    if (!segment) {
      return std::unexpected(segment.error());
    }
    if (segment->file != row.file || segment->collection != collection_ ||
        segment->segments != sealed->size()) {
      return storage::FailDamaged(name, Part::kChunks, "moved from elsewhere, or some are missing");
    }
    if (!segment->pages.empty() && segment->pages.size() != segment->chunks.size()) {
      return storage::FailDamaged(name, Part::kChunks, "other pages than chunks");
    }
    if (!vectors->empty() &&
        (vectors->size() != sealed->size() || (*vectors)[number].count != segment->chunks.size())) {
      return storage::FailDamaged(name, Part::kVectors, "other vectors than chunks");
    }
    segments.push_back(std::move(*segment));
  }

  Document& document = documents_[row.ref.id];
  document.ref = row.ref;
  document.file = row.file;
  document.label = chunk_key.label();
  document.name = Plaintext::Copy(segments.front().name.view());
  for (std::size_t number = 0; number < segments.size(); ++number) {
    const ChunkSegment& segment = segments[number];
    const PlaintextView title = segment.title.empty() ? segment.name.view() : segment.title.view();
    for (std::size_t i = 0; i < segment.chunks.size(); ++i) {
      const StoredChunk& chunk = segment.chunks[i];
      const std::int64_t id = next_row_++;
      document.rows.push_back(id);
      rows_[id] = {row.ref.id, chunk.begin, chunk.end,
                   segment.pages.empty() ? 0 : segment.pages[i]};
      if (Result<void> added = keywords_.Add(id, document.label, title, chunk.heading, chunk.text);
          !added) {
        Forget(row.ref.id);
        return added;
      }
      if (!vectors->empty()) {
        AddVector(id, document.label, (*vectors)[number], i);
      }
    }
  }
  return {};
}

Result<std::vector<Candidate>> CollectionIndex::Search(PlaintextView query,
                                                       std::span<const float> vector,
                                                       policy::Label ceiling,
                                                       const FusionOptions& fusion,
                                                       std::size_t limit) {
  const std::lock_guard lock(mutex_);
  last_used_ = BootClock::now();
  if (Result<void> followed = Follow(); !followed) {
    return std::unexpected(followed.error());
  }
  Result<std::vector<Ranked>> by_keyword = keywords_.Search(query, ceiling, kCandidates);
  if (!by_keyword) {
    return std::unexpected(by_keyword.error());
  }
  std::vector<Ranked> by_vector;
  if (vectors_ && !vector.empty()) {
    by_vector = vectors_->Search(vector, ceiling, kCandidates);
  }
  std::vector<Candidate> found;
  for (const Ranked& one : Fuse(*by_keyword, by_vector, fusion, limit)) {
    const auto row = rows_.find(one.row);
    if (row == rows_.end()) {
      continue;
    }
    const Document& document = documents_.at(row->second.attachment);
    Result<IndexedText> text = keywords_.Get(one.row);
    if (!text) {
      return std::unexpected(text.error());
    }
    Candidate candidate;
    candidate.attachment = document.ref;
    candidate.hit.file = document.file;
    candidate.hit.file_name = Plaintext::Copy(document.name.view());
    candidate.hit.heading = std::move(text->heading.empty() ? text->title : text->heading);
    candidate.hit.text = std::move(text->text);
    candidate.hit.begin = row->second.begin;
    candidate.hit.end = row->second.end;
    candidate.hit.page = row->second.page;
    candidate.hit.score = one.score;
    candidate.hit.label = document.label;
    found.push_back(std::move(candidate));
  }
  return found;
}

}  // namespace casemate::retrieval
