#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/id.h"
#include "ipc/codec.h"
#include "ipc/matrix.h"
#include "policy/label.h"
#include "policy/release.h"

// What keepers, the front and the operator's command say to the custodian, and back.
// docs/formats/release.md has the layout and vectors.
namespace casemate::custody {

using ipc::MessageType;

// Where an object's secret is: its id and its place in the tenant's key tree (0 to 2^24 - 1). The
// custodian checks that both belong together.
struct ObjectRef {
  ObjectId id;
  std::uint32_t slot = 0;
  bool operator==(const ObjectRef&) const = default;
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.slot);
  }
};

inline constexpr std::size_t kMaxObjectsPerRelease =
    1024;  // bounds the reply to one inline message
inline constexpr std::size_t kMaxCollectionsPerTicket = 64;

// Custodian -> keeper, once at attachment and again when something of it changes.
struct ModelEntry {
  std::string name;                  // "casemate-answer"
  std::string digest;                // SHA-256 of the GGUF file, hex; names D/models/<digest>.gguf
  std::string task;                  // "chat" or "embedding"
  std::uint32_t context_tokens = 0;  // what the model is used with
  std::uint64_t file_bytes = 0;
  std::int64_t added = 0;  // unix seconds
  static void Fields(auto& m, auto& v) {
    v(m.name);
    v(m.digest);
    v(m.task);
    v(m.context_tokens);
    v(m.file_bytes);
    v(m.added);
  }
};
struct Tenant {
  static constexpr MessageType kType = MessageType::kTenant;
  TenantId id;
  std::string name;
  ObjectRef tenant_object;  // slot 0: key source of the name and change indexes
  std::vector<ModelEntry> models;
  PrincipalId operator_principal;   // who the keeper's own work (indexes, background) acts as
  std::vector<std::string> labels;  // the deployment's order, lowest first
  policy::Label default_label = policy::Label::kInternal;  // of what comes without one
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.name);
    v(m.tenant_object);
    v(m.models);
    v(m.operator_principal);
    v(m.labels);
    v(m.default_label);
  }
};

// Keeper asks for a ticket; the answer comes after its audit entry is durable.
struct TicketRequest {
  static constexpr MessageType kType = MessageType::kTicketRequest;
  PrincipalId principal;
  KeyId key;  // the API key that authenticated, or none (the operator's socket)
  policy::Justification justification = policy::Justification::kReasonUnspecified;
  policy::ReleaseLevel level = policy::ReleaseLevel::kAsserted;
  policy::ActionSet actions = 0;
  policy::Label label = policy::kHighestLabel;  // highest that the request wants to open
  std::vector<CollectionId> collections;        // empty: objects that are in none (files, tenant)
  bool all_collections = false;  // every collection that the principal's grants allow
  std::uint32_t max_objects = 0;
  std::uint32_t max_partitions = 0;            // 0: not counted
  std::uint32_t duration_ms = 0;               // 1 to 3,600,000
  std::array<std::byte, 32> request_digest{};  // salted digest of the request; zero: none
  Bytes
      evidence;  // session token, RFC 9421 signature or attestation, by level; empty when asserted
  static void Fields(auto& m, auto& v) {
    v(m.principal);
    v(m.key);
    v(m.justification);
    v(m.level);
    v(m.actions);
    v(m.label);
    v(m.collections);
    v(m.all_collections);
    v(m.max_objects);
    v(m.max_partitions);
    v(m.duration_ms);
    v(m.request_digest);
    v(m.evidence);
  }
};
// How far a ticket reaches in one collection.
struct CollectionCeiling {
  CollectionId collection;
  policy::Label ceiling = policy::kLowestLabel;
  static void Fields(auto& m, auto& v) {
    v(m.collection);
    v(m.ceiling);
  }
};
struct TicketReply {
  static constexpr MessageType kType = MessageType::kTicketReply;
  TicketId ticket;
  std::uint32_t expires_in_ms = 0;
  policy::Label ceiling = policy::kLowestLabel;  // highest that it opens at all
  std::uint64_t log_index = 0;                   // of its leaf
  bool every_collection = false;  // those that `collections` does not name, up to every_ceiling
  policy::Label every_ceiling = policy::kLowestLabel;
  std::vector<CollectionCeiling> collections;
  static void Fields(auto& m, auto& v) {
    v(m.ticket);
    v(m.expires_in_ms);
    v(m.ceiling);
    v(m.log_index);
    v(m.every_collection);
    v(m.every_ceiling);
    v(m.collections);
  }
};

struct OpenRequest {
  static constexpr MessageType kType = MessageType::kOpen;
  TicketId ticket;
  policy::Purpose purpose = policy::Purpose::kContent;
  std::vector<ObjectRef> objects;  // 1 to kMaxObjectsPerRelease
  static void Fields(auto& m, auto& v) {
    v(m.ticket);
    v(m.purpose);
    v(m.objects);
  }
};
struct OpenReply {
  static constexpr MessageType kType = MessageType::kOpenReply;
  std::uint32_t lease_ms = 0;
  std::vector<Key> keys;              // in the order asked
  std::vector<policy::Label> labels;  // of each object
  static void Fields(auto& m, auto& v) {
    v(m.lease_ms);
    v(m.keys);
    v(m.labels);
  }
};

// Which of these the ticket would open for that purpose now. Releases nothing, counts nothing and
// is not logged: a list is cut to what its reader may see before anything is opened for it.
struct FilterRequest {
  static constexpr MessageType kType = MessageType::kFilter;
  TicketId ticket;
  policy::Purpose purpose = policy::Purpose::kMetadata;
  std::vector<ObjectRef> objects;  // 1 to kMaxObjectsPerRelease
  static void Fields(auto& m, auto& v) {
    v(m.ticket);
    v(m.purpose);
    v(m.objects);
  }
};
enum class Reach : std::uint8_t {
  kHidden = 0,  // erased, or its label is above the ticket's
  kOpens = 1,
  kElsewhere = 2,  // outside the ticket's scope, whatever its label
};
struct FilterReply {
  static constexpr MessageType kType = MessageType::kFilterReply;
  std::vector<Reach> reaches;  // in the order asked
  static void Fields(auto& m, auto& v) { v(m.reaches); }
  static Result<void> Check(const FilterReply& m) {
    for (const Reach one : m.reaches) {
      if (one > Reach::kElsewhere) {
        return Fail(ErrorCode::kInvalidArgument, "a reach that is none");
      }
    }
    return {};
  }
};

struct RenewRequest {
  static constexpr MessageType kType = MessageType::kRenew;
  TicketId ticket;
  static void Fields(auto& m, auto& v) { v(m.ticket); }
};
struct RenewReply {
  static constexpr MessageType kType = MessageType::kRenewReply;
  std::uint32_t lease_ms = 0;
  std::uint32_t expires_in_ms = 0;  // kIndex tickets are prolonged
  static void Fields(auto& m, auto& v) {
    v(m.lease_ms);
    v(m.expires_in_ms);
  }
};

struct CloseTicketRequest {
  static constexpr MessageType kType = MessageType::kCloseTicket;
  TicketId ticket;
  static void Fields(auto& m, auto& v) { v(m.ticket); }
};
struct CloseTicketReply {
  static constexpr MessageType kType = MessageType::kCloseTicketReply;
  std::uint32_t objects_opened = 0;
  std::uint64_t log_index = 0;
  static void Fields(auto& m, auto& v) {
    v(m.objects_opened);
    v(m.log_index);
  }
};

// Custodian -> keeper, once, before Tenant: what the keeper signs and keeps receipts with.
struct ReceiptKeys {
  static constexpr MessageType kType = MessageType::kReceiptKeys;
  std::string origin;     // of the log; the keys' name is this and "/server"
  std::vector<Key> keys;  // Ed25519 seed, ML-DSA-44 seed, key that receipts are sealed with
  static void Fields(auto& m, auto& v) {
    v(m.origin);
    v(m.keys);
  }
};

// As CloseTicket; the closing entry is durable before the answer, and the custodian signs its block
// of the receipt. Also of a ticket that was revoked or expired, for a while. Once per ticket.
struct CloseForReceipt {
  static constexpr MessageType kType = MessageType::kCloseForReceipt;
  TicketId ticket;
  std::array<std::byte, 16> receipt{};      // audit::ReceiptId
  std::array<std::byte, 32> server_text{};  // SHA-256 of the server block's text
  std::array<std::byte, 32> client_text{};
  static void Fields(auto& m, auto& v) {
    v(m.ticket);
    v(m.receipt);
    v(m.server_text);
    v(m.client_text);
  }
};
struct CloseForReceiptReply {
  static constexpr MessageType kType = MessageType::kCloseForReceiptReply;
  std::string custodian_note;  // docs/formats/receipt.md
  static void Fields(auto& m, auto& v) { v(m.custodian_note); }
};

// Makes objects: fresh secrets, durable (mirror included) before the answer. Needs kSeal. The keys
// of every purpose asked for come back, to seal with, under the ticket's lease.
struct NewObject {
  policy::ObjectKind kind = policy::ObjectKind::kFile;
  policy::Label label = policy::kLowestLabel;
  CollectionId collection;         // none, or where it is in
  std::vector<ObjectRef> sources;  // what it was made from; erased with any of them. At most 1
                                   // here; kArtefact takes its sources from the ticket's record
  static void Fields(auto& m, auto& v) {
    v(m.kind);
    v(m.label);
    v(m.collection);
    v(m.sources);
  }
};
struct CreateObjectsRequest {
  static constexpr MessageType kType = MessageType::kCreateObjects;
  TicketId ticket;
  std::vector<NewObject> objects;         // 1 to 64
  std::vector<policy::Purpose> purposes;  // keys wanted of each, 1 to 4
  static void Fields(auto& m, auto& v) {
    v(m.ticket);
    v(m.objects);
    v(m.purposes);
  }
};
struct CreatedObject {
  ObjectRef ref;
  std::vector<Key> keys;  // in the order of `purposes`
  static void Fields(auto& m, auto& v) {
    v(m.ref);
    v(m.keys);
  }
};
struct CreateObjectsReply {
  static constexpr MessageType kType = MessageType::kCreateObjectsReply;
  std::uint32_t lease_ms = 0;
  std::vector<CreatedObject> objects;
  static void Fields(auto& m, auto& v) {
    v(m.lease_ms);
    v(m.objects);
  }
};

// Erases objects and whatever has them as a source; answers when the new epoch is durable and the
// old epoch key is gone from the token. Needs kErase.
struct EraseRequest {
  static constexpr MessageType kType = MessageType::kErase;
  TicketId ticket;
  std::vector<ObjectRef> objects;  // 1 to kMaxObjectsPerRelease
  bool no_mirror = false;          // the operator accepts that there is no second copy
  static void Fields(auto& m, auto& v) {
    v(m.ticket);
    v(m.objects);
    v(m.no_mirror);
  }
};
struct EraseReply {
  static constexpr MessageType kType = MessageType::kEraseReply;
  std::uint64_t epoch = 0;
  std::vector<ObjectRef> erased;  // descendants too
  std::uint64_t log_index = 0;
  std::string caveat;  // what the erasure rests on, in the words of the certificate
  static void Fields(auto& m, auto& v) {
    v(m.epoch);
    v(m.erased);
    v(m.log_index);
    v(m.caveat);
  }
};

// Custodian -> keeper: these tickets are over; wipe their keys, stop what runs under them.
struct Revoke {
  static constexpr MessageType kType = MessageType::kRevoke;
  std::vector<TicketId> tickets;
  std::vector<ObjectId> objects;  // erased: drop whatever was made from them
  static void Fields(auto& m, auto& v) {
    v(m.tickets);
    v(m.objects);
  }
};

// Custodian -> front.
struct Identity {
  static constexpr MessageType kType = MessageType::kIdentity;
  Bytes certificate_der;
  Bytes authority_der;
  Plaintext private_key_der;  // PKCS#8; wiped with the message
  static void Fields(auto& m, auto& v) {
    v(m.certificate_der);
    v(m.authority_der);
    v(m.private_key_der);
  }
};
struct AdmittedKey {
  KeyId id;
  std::array<std::byte, 32> verifier{};  // SHA-256 of the secret part
  TenantId tenant;
  PrincipalId principal;
  policy::Label ceiling = policy::kHighestLabel;  // the key's and its principal's, the lower
  std::int64_t expires = 0;                       // unix seconds; 0: never
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.verifier);
    v(m.tenant);
    v(m.principal);
    v(m.ceiling);
    v(m.expires);
  }
};
struct AdmittedTenant {
  TenantId id;
  std::string name;
  PrincipalId operator_principal;  // who the operator's socket acts as
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.name);
    v(m.operator_principal);
  }
};
// The whole table, each time it changes. Read-only for the front. As a request it is answered when
// the front admits by it; what a fresh front gets is a notice.
struct Admission {
  static constexpr MessageType kType = MessageType::kAdmission;
  std::vector<AdmittedKey> keys;
  std::vector<AdmittedTenant> tenants;  // the first is the default one
  static void Fields(auto& m, auto& v) {
    v(m.keys);
    v(m.tenants);
  }
};

struct AdmissionReply {
  static constexpr MessageType kType = MessageType::kAdmissionReply;
  static void Fields(auto&, auto&) {}
};

// An API key in text: "cm-" + base32(key id, 16 bytes) + "-" + base32(secret, 32 bytes).

// Operator -> custodian (control socket D/run/custodian.sock, SO_PEERCRED: same user or root).
struct KeyCreate {
  static constexpr MessageType kType = MessageType::kKeyCreate;
  std::string tenant;  // name; empty: the default one
  std::string name;    // free text for lists
  policy::Label ceiling = policy::kHighestLabel;
  // Empty: one of its own, named after the key, that may do everything up to `ceiling`.
  std::string principal = {};
  std::int64_t expires = 0;  // unix seconds; 0: never
  static void Fields(auto& m, auto& v) {
    v(m.tenant);
    v(m.name);
    v(m.ceiling);
    v(m.principal);
    v(m.expires);
  }
};
struct KeyCreateReply {
  static constexpr MessageType kType = MessageType::kKeyCreateReply;
  KeyId id;
  Plaintext key;  // the only time it is shown
  PrincipalId principal;
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.key);
    v(m.principal);
  }
};
struct KeyList {
  static constexpr MessageType kType = MessageType::kKeyList;
  static void Fields(auto&, auto&) {}
};
struct KeyEntry {
  KeyId id;
  std::string tenant;
  std::string name;
  PrincipalId principal;
  policy::Label ceiling = policy::kHighestLabel;
  std::int64_t created = 0;
  bool revoked = false;
  std::string principal_name;
  std::int64_t expires = 0;  // unix seconds; 0: never
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.tenant);
    v(m.name);
    v(m.principal);
    v(m.ceiling);
    v(m.created);
    v(m.revoked);
    v(m.principal_name);
    v(m.expires);
  }
};
struct KeyListReply {
  static constexpr MessageType kType = MessageType::kKeyListReply;
  std::vector<KeyEntry> keys;
  static void Fields(auto& m, auto& v) { v(m.keys); }
};
struct KeyRevoke {
  static constexpr MessageType kType = MessageType::kKeyRevoke;
  KeyId id;
  static void Fields(auto& m, auto& v) { v(m.id); }
};
struct KeyRevokeReply {
  static constexpr MessageType kType = MessageType::kKeyRevokeReply;
  std::uint32_t tickets_ended = 0;
  std::uint64_t log_index = 0;
  static void Fields(auto& m, auto& v) {
    v(m.tickets_ended);
    v(m.log_index);
  }
};
struct TenantCreate {
  static constexpr MessageType kType = MessageType::kTenantCreate;
  std::string name;  // 1 to 63 of [a-z0-9-]
  static void Fields(auto& m, auto& v) { v(m.name); }
};
struct TenantCreateReply {
  static constexpr MessageType kType = MessageType::kTenantCreateReply;
  TenantId id;
  static void Fields(auto& m, auto& v) { v(m.id); }
};
struct TenantList {
  static constexpr MessageType kType = MessageType::kTenantList;
  static void Fields(auto&, auto&) {}
};
struct TenantEntry {
  TenantId id;
  std::string name;
  std::int64_t created = 0;
  std::uint64_t epoch = 0;
  std::uint64_t objects = 0;
  bool suspended = false;
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.name);
    v(m.created);
    v(m.epoch);
    v(m.objects);
    v(m.suspended);
  }
};
struct TenantListReply {
  static constexpr MessageType kType = MessageType::kTenantListReply;
  std::vector<TenantEntry> tenants;
  static void Fields(auto& m, auto& v) { v(m.tenants); }
};
struct ModelRegister {
  static constexpr MessageType kType = MessageType::kModelRegister;
  ModelEntry model;
  static void Fields(auto& m, auto& v) { v(m.model); }
};
struct ModelRegisterReply {
  static constexpr MessageType kType = MessageType::kModelRegisterReply;
  std::uint64_t log_index = 0;
  static void Fields(auto& m, auto& v) { v(m.log_index); }
};
struct ModelList {
  static constexpr MessageType kType = MessageType::kModelList;
  static void Fields(auto&, auto&) {}
};
struct ModelListReply {
  static constexpr MessageType kType = MessageType::kModelListReply;
  std::vector<ModelEntry> models;
  static void Fields(auto& m, auto& v) { v(m.models); }
};
struct StatusRequest {
  static constexpr MessageType kType = MessageType::kStatus;
  static void Fields(auto&, auto&) {}
};
struct StatusReply {
  static constexpr MessageType kType = MessageType::kStatusReply;
  std::string token;           // label, library and mechanism in use
  std::string pin_protection;  // "argon2id", "credential", "insecure-file", "descriptor"
  std::string mirror;          // path, "none" (accepted), or empty (not set)
  std::uint64_t log_size = 0;
  std::uint64_t log_checkpoint = 0;
  std::uint32_t open_tickets = 0;
  std::uint64_t opened_keys = 0;
  std::vector<TenantEntry> tenants;
  static void Fields(auto& m, auto& v) {
    v(m.token);
    v(m.pin_protection);
    v(m.mirror);
    v(m.log_size);
    v(m.log_checkpoint);
    v(m.open_tickets);
    v(m.opened_keys);
    v(m.tenants);
  }
};

// Operator -> a custodian that waits, locked: the passphrase of custodian/pin.sealed, or the PIN
// itself where the deployment's PIN comes from elsewhere. Refused with kUnauthenticated when it is
// wrong, kRateLimited too soon after a wrong one, kConflict when nothing is locked.
struct Unlock {
  static constexpr MessageType kType = MessageType::kUnlock;
  Plaintext secret;  // 1 to 1024 bytes
  static void Fields(auto& m, auto& v) { v(m.secret); }
};
struct UnlockReply {
  static constexpr MessageType kType = MessageType::kUnlockReply;
  static void Fields(auto&, auto&) {}
};
// Custodian -> front, before anything else, when it waits for its passphrase: nobody can be let in.
struct LockState {
  static constexpr MessageType kType = MessageType::kLockState;
  static void Fields(auto&, auto&) {}
};

// `casemate init` -> custodian (over the socket pair that started it): makes token, trees, first
// tenant, certificates and keys, registers models.
struct Init {
  static constexpr MessageType kType = MessageType::kInit;
  std::string tenant = "default";
  std::vector<ModelEntry> models;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> labels;  // lowest first; empty: the default order
  std::string default_label;        // empty: internal, or the lowest where there is no such name
  static void Fields(auto& m, auto& v) {
    v(m.tenant);
    v(m.models);
    v(m.dns_names);
    v(m.ip_addresses);
    v(m.labels);
    v(m.default_label);
  }
};
struct InitReply {
  static constexpr MessageType kType = MessageType::kInitReply;
  Bytes authority_der;    // for tls/ca.pem
  std::string log_vkeys;  // for audit/log.vkey: the C2SP verifier keys, one a line
  std::string token;
  static void Fields(auto& m, auto& v) {
    v(m.authority_der);
    v(m.log_vkeys);
    v(m.token);
  }
};

}  // namespace casemate::custody
