#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/clock.h"
#include "crypto/hash.h"
#include "retrieval/sealed_library_core.h"

namespace casemate::retrieval {

using policy::Purpose;
using storage::Part;

namespace {

constexpr std::size_t kMaxHits = 50;
constexpr std::size_t kMaxCompared = 1000;
constexpr std::size_t kMaxQueryBytes = 64 * 1024;

}  // namespace

Result<Ingested> SealedLibrary::Ingest(const custody::Ticket& ticket, CollectionId collection,
                                       PlaintextView name, PlaintextView content,
                                       policy::Label label) {
  if (Result<void> good = core_->CheckName(name); !good) {
    return std::unexpected(good.error());
  }
  if (Result<void> good = core_->CheckSize(content); !good) {
    return std::unexpected(good.error());
  }
  Result<std::pair<storage::CollectionRow, policy::Label>> opened =
      core_->OpenCollection(ticket, collection);
  if (!opened) {
    return std::unexpected(opened.error());
  }
  label = policy::Highest(label, opened->second);  // a collection's label is a floor
  const Vault& vault = core_->vault;
  Result<storage::Tag> name_tag = vault.DocumentNameTag(ticket, collection, name);
  if (!name_tag) {
    return std::unexpected(name_tag.error());
  }
  Result<storage::Tag> change_tag =
      vault.ChangeTag(ticket, *name_tag, core_->pipeline.Fingerprint(), label,
                      crypto::Sha256(content.RevealBytes()));
  if (!change_tag) {
    return std::unexpected(change_tag.error());
  }
  Result<std::optional<storage::AttachmentRow>> before =
      core_->store.FindDocument(collection, *name_tag);
  if (!before) {
    return std::unexpected(before.error());
  }
  if (*before && (*before)->change_tag == change_tag.value()) {
    return Ingested{
        .outcome = IngestOutcome::kUnchanged, .file = (*before)->file, .chunks = 0, .caveat = {}};
  }

  Result<Prepared> prepared = core_->pipeline.Prepare(name, content);
  if (!prepared) {
    return std::unexpected(prepared.error());
  }
  custody::NewObject file_object;
  file_object.kind = policy::ObjectKind::kFile;
  file_object.label = label;
  constexpr std::array kFilePurposes = {Purpose::kContent, Purpose::kMetadata};
  Result<custody::Created> file =
      CreateOne(vault.client(), ticket, std::move(file_object), kFilePurposes);
  if (!file) {
    return std::unexpected(file.error());
  }
  custody::NewObject attachment_object;
  attachment_object.kind = policy::ObjectKind::kAttachment;
  attachment_object.label = policy::Highest(label, opened->second);
  attachment_object.collection = collection;
  attachment_object.sources.push_back(file->ref);
  AttachmentMetadata attachment_metadata;
  attachment_metadata.label = attachment_object.label;
  constexpr std::array kPurposes = {Purpose::kMetadata, Purpose::kChunks, Purpose::kVectors};
  Result<custody::Created> attachment =
      CreateOne(vault.client(), ticket, std::move(attachment_object), kPurposes);
  if (!attachment) {
    return std::unexpected(attachment.error());
  }

  const auto file_id = As<FileId>(file->ref.id);
  FileMetadata file_metadata;
  file_metadata.name = Plaintext::Copy(name);
  file_metadata.purpose = "assistants";
  file_metadata.bytes = content.size();
  file_metadata.label = label;
  Result<Bytes> sealed_file =
      vault.Seal(file->leases[1], vault.PlaceOf(file->ref.id, Part::kFileMetadata), file_metadata);
  if (!sealed_file) {
    return std::unexpected(sealed_file.error());
  }
  attachment_metadata.file = file_id;
  attachment_metadata.collection = collection;
  attachment_metadata.chunks = static_cast<std::uint32_t>(prepared->chunks.size());
  Result<Bytes> sealed_attachment =
      vault.Seal(attachment->leases[0],
                 vault.PlaceOf(attachment->ref.id, Part::kAttachmentMetadata), attachment_metadata);
  if (!sealed_attachment) {
    return std::unexpected(sealed_attachment.error());
  }
  Result<std::vector<storage::Segment>> segments =
      SealSegments(vault, attachment->leases[1], attachment->leases[2], attachment->ref.id, file_id,
                   collection, name, *prepared);
  if (!segments) {
    return std::unexpected(segments.error());
  }
  Result<storage::StoredObject> stored = core_->store.objects().Write(
      file->leases[0], vault.PlaceOf(file->ref.id, Part::kFileContent), content);
  if (!stored) {
    return std::unexpected(stored.error());
  }

  const std::int64_t now = UnixSeconds();
  const storage::FileRow file_row{.id = file_id,
                                  .slot = file->ref.slot,
                                  .created = now,
                                  .metadata = std::move(*sealed_file),
                                  .object = {}};
  storage::AttachmentRow row;
  row.ref = attachment->ref;
  row.file = file_id;
  row.collection = collection;
  row.state = storage::AttachmentState::kCompleted;
  row.created = now;
  row.name_tag = *name_tag;
  row.change_tag = *change_tag;
  row.bytes = BytesOf(*segments);
  row.metadata = std::move(*sealed_attachment);
  Result<std::vector<storage::AttachmentRow>> replaced =
      core_->store.AddDocument(file_row, std::move(*stored), row, *segments);
  if (!replaced) {
    return std::unexpected(replaced.error());
  }
  Ingested ingested{.outcome = replaced->empty() ? IngestOutcome::kAdded : IngestOutcome::kReplaced,
                    .file = file_id,
                    .chunks = attachment_metadata.chunks,
                    .caveat = {}};
  if (!replaced->empty()) {
    std::vector<ObjectId> gone;
    for (const storage::AttachmentRow& old : *replaced) {
      gone.push_back(old.ref.id);
    }
    core_->indexes->Evict(gone);
    ingested.caveat = core_->background->mirror_missing()
                          ? "the replaced version's sealed bytes are deleted; its key stays in the "
                            "key tree, because no mirror is set"
                          : "the replaced version's sealed bytes are deleted; its key is erased "
                            "with the next epoch";
    core_->background->Wake();
  }
  return ingested;
}

Result<std::vector<std::optional<FileId>>> SealedLibrary::FindUnchanged(
    const custody::Ticket& ticket, CollectionId collection,
    std::span<const OutsideDocument> documents, policy::Label label) {
  if (documents.empty() || documents.size() > kMaxCompared) {
    return Fail(ErrorCode::kInvalidArgument, std::to_string(documents.size()) +
                                                 " documents to compare, expected 1 to " +
                                                 std::to_string(kMaxCompared));
  }
  Result<std::pair<storage::CollectionRow, policy::Label>> opened =
      core_->OpenCollection(ticket, collection);
  if (!opened) {
    return std::unexpected(opened.error());
  }
  label = policy::Highest(label, opened->second);  // as Ingest has it
  const std::string pipeline = core_->pipeline.Fingerprint();
  std::vector<std::optional<FileId>> unchanged;
  for (const OutsideDocument& document : documents) {
    Result<storage::Tag> name = core_->vault.DocumentNameTag(ticket, collection, document.name);
    if (!name) {
      return std::unexpected(name.error());
    }
    Result<std::optional<storage::AttachmentRow>> row =
        core_->store.FindDocument(collection, *name);
    if (!row) {
      return std::unexpected(row.error());
    }
    std::optional<FileId> file;
    if (*row) {
      Result<storage::Tag> change =
          core_->vault.ChangeTag(ticket, *name, pipeline, label, document.content);
      if (!change) {
        return std::unexpected(change.error());
      }
      if ((*row)->change_tag == *change) {
        file = (*row)->file;
      }
    }
    unchanged.push_back(file);
  }
  return unchanged;
}

Result<std::vector<SearchHit>> SealedLibrary::Search(const custody::Ticket& ticket,
                                                     std::span<const CollectionId> collections,
                                                     PlaintextView query, std::size_t limit) {
  if (limit == 0 || limit > kMaxHits) {
    return Fail(ErrorCode::kInvalidArgument,
                "a limit of " + std::to_string(limit) + ", expected 1 to 50");
  }
  if (query.size() > kMaxQueryBytes) {
    return Fail(ErrorCode::kTooLarge,
                "a query of " + std::to_string(query.size()) + " bytes, at most 65536 are taken");
  }
  std::unordered_map<CollectionId, policy::Label> ceilings;
  // The asker's own ticket must open each collection before its index is touched.
  for (const CollectionId& id : collections) {
    Result<storage::CollectionRow> row = core_->CollectionOf(id);
    if (!row) {
      return std::unexpected(row.error());
    }
    Result<custody::Lease> allowed =
        core_->vault.OpenOne(ticket, Purpose::kKeywords, {As<ObjectId>(id), row->slot},
                             "collection '" + id.ToString() + "'");
    if (!allowed) {
      return std::unexpected(allowed.error());
    }
    ceilings[id] = policy::Lowest(ticket.ceiling(id).value_or(policy::kLowestLabel),
                                  core_->options.highest_label);
  }
  inference::EmbedReply embedded;
  std::span<const float> vector;
  if (core_->pipeline.embeds() && !query.empty() && !collections.empty()) {
    Result<inference::EmbedReply> reply = core_->pipeline.EmbedQuery(query);
    if (!reply) {
      return std::unexpected(reply.error());
    }
    embedded = std::move(*reply);
    vector = {reinterpret_cast<const float*>(embedded.vectors.view().RevealBytes().data()),
              embedded.dimensions};
  }
  std::vector<Candidate> candidates;
  for (const CollectionId& id : collections) {
    Result<std::shared_ptr<CollectionIndex>> index = core_->indexes->Get(id, ceilings.at(id));
    if (!index) {
      return std::unexpected(index.error());
    }
    Result<std::vector<Candidate>> found =
        (*index)->Search(query, vector, ceilings.at(id), core_->options.fusion, limit);
    if (!found) {
      return std::unexpected(found.error());
    }
    std::ranges::move(*found, std::back_inserter(candidates));
  }
  std::ranges::stable_sort(
      candidates, [](const Candidate& a, const Candidate& b) { return a.hit.score > b.hit.score; });
  candidates.resize(std::min(limit, candidates.size()));

  // What is shown is released under the asker's ticket: checked, counted and itemised there.
  std::vector<custody::ObjectRef> refs;
  std::unordered_map<ObjectId, std::size_t> places;
  for (const Candidate& candidate : candidates) {
    if (places.try_emplace(candidate.attachment.id, refs.size()).second) {
      refs.push_back(candidate.attachment);
    }
  }
  std::vector<SearchHit> hits;
  if (refs.empty()) {
    return hits;
  }
  auto leases = core_->vault.OpenAll(ticket, Purpose::kChunks, refs);
  if (!leases) {
    return std::unexpected(leases.error());
  }
  for (Candidate& candidate : candidates) {
    if ((*leases)[places.at(candidate.attachment.id)]) {  // else erased a moment ago
      hits.push_back(std::move(candidate.hit));
    }
  }
  return hits;
}

}  // namespace casemate::retrieval
