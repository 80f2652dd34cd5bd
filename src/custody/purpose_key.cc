#include "custody/purpose_key.h"

#include "base/bytes.h"
#include "crypto/kdf.h"

namespace casemate::custody {
namespace {

void PutField(Bytes& out, ByteView field) {
  out.push_back(static_cast<std::byte>(field.size()));
  Put(out, field);
}

}  // namespace

Result<Key> DerivePurposeKey(KeyView object_secret, policy::Purpose purpose, const TenantId& tenant,
                             const ObjectId& object, std::uint32_t version) {
  Bytes info;
  Put(info, AsBytes("casemate/purpose@v1"));
  const std::byte purpose_byte{static_cast<std::uint8_t>(purpose)};
  PutField(info, ByteView(&purpose_byte, 1));
  PutField(info, tenant.bytes());
  PutField(info, object.bytes());
  Bytes version_bytes;
  PutU32(version_bytes, version);
  PutField(info, version_bytes);
  return crypto::HkdfExpandKey(object_secret, info);
}

}  // namespace casemate::custody
