#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "custody/client/release_client.h"
#include "ipc/codec.h"
#include "retrieval/records.h"
#include "storage/sealing.h"
#include "storage/tenant_store.h"

// How the library opens and seals: leases from the custodian, records from the store.
namespace casemate::retrieval {

// True when an error says that an object is outside the ticket's scope or above its ceiling: to the
// caller such an object does not exist.
bool IsHidden(const Error& error);

class Vault {
 public:
  Vault(custody::ReleaseClient& client, TenantId tenant, custody::ObjectRef tenant_object)
      : client_(client), tenant_(tenant), tenant_object_(tenant_object) {}

  custody::ReleaseClient& client() const { return client_; }
  storage::Place PlaceOf(const ObjectId& object, storage::Part part,
                         std::uint32_t index = 0) const {
    return {.tenant = tenant_, .object = object, .part = part, .index = index};
  }

  // Leases of any number of objects, in their order, some thousand at a time. One that the
  // custodian says was erased has no lease.
  [[nodiscard]] Result<std::vector<std::optional<custody::Lease>>> OpenAll(
      const custody::Ticket& ticket, policy::Purpose purpose,
      std::span<const custody::ObjectRef> objects) const;
  // What the ticket reaches, before anything is opened: what a list shows of things that are
  // others', or above the caller's ceiling, is nothing.
  [[nodiscard]] Result<std::vector<custody::Reach>> Reaches(
      const custody::Ticket& ticket, policy::Purpose purpose,
      std::span<const custody::ObjectRef> objects) const;
  [[nodiscard]] Result<std::vector<bool>> Visible(
      const custody::Ticket& ticket, policy::Purpose purpose,
      std::span<const custody::ObjectRef> objects) const;
  // Errors: kNotFound: "NAME does not exist", also where it does and the ticket does not reach it.
  [[nodiscard]] Result<custody::Lease> OpenOne(const custody::Ticket& ticket,
                                               policy::Purpose purpose,
                                               const custody::ObjectRef& object,
                                               std::string_view name) const;

  template <typename Record>
  [[nodiscard]] Result<Bytes> Seal(const custody::Lease& lease, const storage::Place& place,
                                   const Record& record) const {
    return storage::SealPart(lease, place, ipc::Encode(record));
  }
  // Errors: kIntegrityFailure, naming the object; kInvalidArgument: a newer version wrote it.
  template <typename Record>
  [[nodiscard]] Result<Record> Open(const custody::Lease& lease, const storage::Place& place,
                                    std::string_view name, ByteView sealed) const {
    Result<Plaintext> opened = storage::OpenPart(lease, place, name, sealed);
    if (!opened) {
      return std::unexpected(opened.error());
    }
    Result<Record> record = ipc::Decode<Record>(*opened);
    if (!record) {
      return storage::FailDamaged(name, place.part, record.error().message);
    }
    if (record->version == 0 || record->version > Record::kNewestVersion) {
      return Fail(ErrorCode::kInvalidArgument,
                  std::string(name) + ": its " + std::string(storage::PartName(place.part)) +
                      " is of version " + std::to_string(record->version) + ", expected 1 to " +
                      std::to_string(Record::kNewestVersion));
    }
    return record;
  }

  // HMACs under the tenant object's keys: docs/formats/store.md.
  [[nodiscard]] Result<storage::Tag> CollectionNameTag(const custody::Ticket& ticket,
                                                       PlaintextView name) const;
  [[nodiscard]] Result<storage::Tag> DocumentNameTag(const custody::Ticket& ticket,
                                                     CollectionId collection,
                                                     PlaintextView name) const;
  [[nodiscard]] Result<storage::Tag> ChangeTag(const custody::Ticket& ticket,
                                               const storage::Tag& name_tag,
                                               std::string_view pipeline, policy::Label label,
                                               const std::array<std::byte, 32>& digest) const;

 private:
  [[nodiscard]] Result<storage::Tag> Hmac(const custody::Ticket& ticket, policy::Purpose purpose,
                                          PlaintextView message) const;

  custody::ReleaseClient& client_;
  TenantId tenant_;
  custody::ObjectRef tenant_object_;
};

}  // namespace casemate::retrieval
