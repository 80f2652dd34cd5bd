#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/id.h"
#include "custody/client/release_client.h"
#include "policy/release.h"
#include "secmem/plaintext.h"

// What the sealed parts of a tenant's store are bound to: docs/formats/store.md.
namespace casemate::storage {

// Numbers are part of the context: append only.
enum class Part : std::uint8_t {
  kFileMetadata = 1,
  kFileContent = 2,
  kCollectionMetadata = 3,
  kAttachmentMetadata = 4,
  kChunks = 5,
  kVectors = 6,
};
inline constexpr std::uint8_t kLastPart = 6;
std::string_view PartName(Part part);  // "metadata", "content", "chunks", "vectors"
policy::Purpose PurposeOf(Part part);  // whose key seals it

// Where a sealed part belongs. Moved to another place it does not open.
struct Place {
  TenantId tenant;
  ObjectId object;
  Part part = Part::kFileMetadata;
  std::uint32_t index = 0;  // among the parts of that kind of one object
};
// "casemate/store@v1" || tenant 16 || object 16 || purpose u8 || part u8 || index u32.
Bytes SealContext(const Place& place);

// `lease` is of PurposeOf(place.part) of that object. Errors: kPermissionDenied: the lease is over.
[[nodiscard]] Result<Bytes> SealPart(const custody::Lease& lease, const Place& place,
                                     PlaintextView content);
// Errors: also kIntegrityFailure: changed, cut, or of another place; the message says
// "NAME: its PART does not verify", where `name` is the object's id as its users know it.
[[nodiscard]] Result<Plaintext> OpenPart(const custody::Lease& lease, const Place& place,
                                         std::string_view name, ByteView sealed);
// The error of OpenPart, for what is found to be wrong inside.
[[nodiscard]] std::unexpected<Error> FailDamaged(std::string_view name, Part part,
                                                 std::string detail);

}  // namespace casemate::storage
