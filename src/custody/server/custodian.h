#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "audit/verify/receipt.h"
#include "audit/write/log_writer.h"
#include "custody/operator_messages.h"
#include "custody/server/key_tree.h"
#include "custody/server/state_document.h"
#include "custody/server/token.h"
#include "ipc/supervision.h"

namespace casemate::custody {

// The custodian's own state: token, key trees, state document, audit log; and what the operator may
// ask of it. Tickets are the ReleaseDesk's. Threads: all members may run at the same time.
class Custodian {
 public:
  struct Options {
    std::filesystem::path deployment;  // D
    std::string mirror;                // a folder, "none" (accepted), or empty (not set)
    std::string pin_protection;        // for Status
    std::unique_ptr<Token> token;
    std::chrono::milliseconds epoch_interval{1000};
    // What the configuration says; must be what the deployment was made with. Empty: not compared.
    std::vector<std::string> labels = {};
    std::string default_label = {};
  };
  struct Made {
    std::unique_ptr<Custodian> custodian;
    InitReply reply;
  };
  // What a change was about, and the index of its log entry.
  template <typename IdType>
  struct Changed {
    IdType id;
    std::uint64_t log_index = 0;
  };
  // A new deployment: system tenant, certificates, log keys, first tenant. Errors: kConflict: there
  // is one; kInvalidArgument: a name that is no name.
  [[nodiscard]] static Result<Made> Make(Options options, const Init& init);
  // Verifies everything before anything is served. Errors: kIntegrityFailure names what does not
  // fit; kUnavailable, kUnauthenticated.
  [[nodiscard]] static Result<std::unique_ptr<Custodian>> Open(Options options);
  ~Custodian();

  // The operator's requests. Durable on return, their log entries included.
  [[nodiscard]] Result<KeyCreateReply> CreateKey(const KeyCreate& request);
  [[nodiscard]] Result<std::uint64_t> RevokeKey(const KeyId& id);  // index of the log entry
  [[nodiscard]] Result<TenantCreateReply> CreateTenant(const TenantCreate& request);
  // What is suspended gets no ticket; the caller ends those there are.
  [[nodiscard]] Result<Changed<TenantId>> ChangeTenant(const TenantChange& request);
  // Of a suspended tenant whose tickets have ended: forgets it, destroys its epoch keys in the
  // token, deletes its tree. A crash in between is finished at the next start.
  [[nodiscard]] Result<TenantRemoveReply> RemoveTenant(const TenantRemove& request);
  [[nodiscard]] Result<PrincipalCreateReply> CreatePrincipal(const PrincipalCreate& request);
  [[nodiscard]] Result<Changed<PrincipalId>> ChangePrincipal(const PrincipalChange& request);
  // Of a suspended principal whose tickets have ended: erases its object in a new epoch, forgets
  // it, its keys and its grants. Errors: also kInvalidArgument: there is no second copy of the
  // tree.
  [[nodiscard]] Result<PrincipalRemoveReply> RemovePrincipal(const PrincipalRemove& request);
  // The grant whose place it took, or none.
  struct Granted {
    GrantAddReply reply;
    GrantId replaced;
  };
  [[nodiscard]] Result<Granted> AddGrant(const GrantAdd& request);
  [[nodiscard]] Result<std::uint64_t> RemoveGrant(const GrantId& id);  // index of the log entry
  [[nodiscard]] Result<ModelRegisterReply> RegisterModel(const ModelRegister& request);
  [[nodiscard]] Result<PrincipalListReply> ListPrincipals(const PrincipalList& request) const;
  [[nodiscard]] Result<GrantListReply> ListGrants(const GrantList& request) const;
  KeyListReply ListKeys() const;
  TenantListReply ListTenants() const;
  ModelListReply ListModels() const;
  StatusReply Status() const;  // tickets and opened keys are the desk's

  // A new server certificate under the same authority, when the one there is ends within
  // kRenewBefore or is not for exactly the names of `wanted` (nullptr: whatever it has). True:
  // there is a new one, in force. Failures are logged; the old one stays.
  static constexpr std::chrono::days kRenewBefore{30};
  bool RenewCertificate(const ipc::Settings* wanted);

  // What is pushed.
  [[nodiscard]] Result<Identity> FrontIdentity() const;
  Admission FrontAdmission() const;
  [[nodiscard]] Result<Tenant> TenantFor(const TenantId& id) const;  // kNotFound

  [[nodiscard]] Result<ReceiptKeys> ReceiptKeysFor(const TenantId& tenant) const;  // kNotFound

  // For the desk.
  // Fills in origin, time and the tenant's receipt keys, and signs with the log's keys.
  [[nodiscard]] Result<std::string> SignReceipt(const TenantId& tenant,
                                                audit::CustodianBlock block) const;
  std::shared_ptr<const StateDocument> state() const;  // as it is now; a change makes a new one
  [[nodiscard]] Result<KeyTree*> Tree(const TenantId& tenant) const;  // lives as long as this
  audit::LogWriter& log();
  bool erasure_has_second_copy() const;  // a mirror, or accepted in the configuration
  const std::string& mirror() const;
  // HMAC-SHA-256(salt key of `object`, field || value): docs/formats/audit_leaf.md.
  [[nodiscard]] Result<audit::Commitment> Commit(const TenantId& tenant, const ObjectRef& object,
                                                 std::uint8_t field, ByteView value) const;
  // Salted Merkle root over object ids, under the tenant's salt.
  [[nodiscard]] Result<audit::Commitment> CommitObjects(const TenantId& tenant,
                                                        std::span<const ObjectId> objects) const;

  // Once a second: anchors heads in the token, drops opened nodes that are not used.
  void KeepHouse();
  // Anchors, the last log entry, a checkpoint.
  [[nodiscard]] Result<void> Stop();

  struct State;

 private:
  explicit Custodian(std::unique_ptr<State> state);
  // Appends `leaf` with the commitments to the tenant and, where it is given and not yet erased, to
  // the principal.
  [[nodiscard]] Result<std::uint64_t> LogAbout(audit::Leaf leaf, const TenantRecord& tenant,
                                               const PrincipalRecord* principal);
  std::unique_ptr<State> state_;
};

// Field numbers of commitments (docs/formats/audit_leaf.md).
inline constexpr std::uint8_t kTenantField = 1;
inline constexpr std::uint8_t kPrincipalField = 2;
inline constexpr std::uint8_t kTicketField = 3;
inline constexpr std::uint8_t kObjectField = 4;
inline constexpr std::uint8_t kGrantField = 5;

}  // namespace casemate::custody
