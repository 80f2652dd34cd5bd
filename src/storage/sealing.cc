#include "storage/sealing.h"

#include <optional>
#include <string>
#include <utility>

#include "crypto/seal.h"

namespace casemate::storage {

std::string_view PartName(Part part) {
  switch (part) {
    case Part::kFileMetadata:
    case Part::kCollectionMetadata:
    case Part::kAttachmentMetadata:
      return "metadata";
    case Part::kFileContent:
      return "content";
    case Part::kChunks:
      return "chunks";
    case Part::kVectors:
      return "vectors";
  }
  return "part";
}

policy::Purpose PurposeOf(Part part) {
  switch (part) {
    case Part::kFileContent:
      return policy::Purpose::kContent;
    case Part::kChunks:
      return policy::Purpose::kChunks;
    case Part::kVectors:
      return policy::Purpose::kVectors;
    case Part::kFileMetadata:
    case Part::kCollectionMetadata:
    case Part::kAttachmentMetadata:
      break;
  }
  return policy::Purpose::kMetadata;
}

Bytes SealContext(const Place& place) {
  Bytes context;
  Put(context, AsBytes("casemate/store@v1"));
  Put(context, place.tenant.bytes());
  Put(context, place.object.bytes());
  context.push_back(static_cast<std::byte>(PurposeOf(place.part)));
  context.push_back(static_cast<std::byte>(place.part));
  PutU32(context, place.index);
  return context;
}

Result<Bytes> SealPart(const custody::Lease& lease, const Place& place, PlaintextView content) {
  Bytes sealed;
  Result<void> done = lease.With([&](KeyView key) -> Result<void> {
    Result<Bytes> made = crypto::Seal(key, SealContext(place), content);
    if (!made) {
      return std::unexpected(made.error());
    }
    sealed = std::move(*made);
    return {};
  });
  if (!done) {
    return std::unexpected(done.error());
  }
  return sealed;
}

Result<Plaintext> OpenPart(const custody::Lease& lease, const Place& place, std::string_view name,
                           ByteView sealed) {
  Plaintext content;
  Result<void> done = lease.With([&](KeyView key) -> Result<void> {
    Result<Plaintext> opened = crypto::Open(key, SealContext(place), sealed);
    if (!opened) {
      if (opened.error().code == ErrorCode::kIntegrityFailure) {
        return FailDamaged(name, place.part, opened.error().message);
      }
      return std::unexpected(opened.error());
    }
    content = std::move(*opened);
    return {};
  });
  if (!done) {
    return std::unexpected(done.error());
  }
  return content;
}

std::unexpected<Error> FailDamaged(std::string_view name, Part part, std::string detail) {
  return Fail(ErrorCode::kIntegrityFailure,
              std::string(name) + ": its " + std::string(PartName(part)) +
                  " does not verify; restore it from a backup or delete it",
              std::move(detail));
}

}  // namespace casemate::storage
