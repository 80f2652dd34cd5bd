#pragma once

#include <map>
#include <shared_mutex>

#include "custody/server/custodian.h"

// Inside this folder only.
namespace casemate::custody {

// Objects of the system tenant, by slot. The id is "casemate/system" and the slot as one byte.
enum class SystemObject : std::uint8_t {
  kTenant = 0,
  kTlsKey = 1,
  kAuthorityKey = 2,
  kLogEd25519 = 3,
  kLogMlDsa44 = 4,
  kReceipt = 5,
  kJournal = 6,
  kState = 7,
};
inline constexpr std::uint8_t kSystemObjects = 8;
ObjectRef RefOf(SystemObject object);

inline constexpr const char* kStateName = "state";
inline constexpr const char* kTlsKeyName = "tls-key";
inline constexpr const char* kAuthorityKeyName = "authority-key";

struct Custodian::State {
  Options options;
  std::optional<TreeStore> store;
  std::unique_ptr<TreeEnvironment> env;
  std::unique_ptr<KeyTree> system;
  std::unique_ptr<audit::LogWriter> log;

  mutable std::shared_mutex mutex;  // guards `document` and `trees` (entries are only added)
  std::shared_ptr<const StateDocument> document = std::make_shared<const StateDocument>();
  std::map<TenantId, std::unique_ptr<KeyTree>> trees;
  std::vector<std::unique_ptr<KeyTree>> retired;  // of removed tenants: requests may still hold one
  std::mutex change_mutex;  // one change of `document` at a time; taken before `mutex`

  mutable std::mutex receipt_mutex;  // guards `receipt_verifiers`, which is filled on demand
  mutable std::map<TenantId, std::vector<audit::VerifierKey>> receipt_verifiers;

  // Seals `next` and makes it the state in force. With change_mutex held.
  Result<void> SaveState(StateDocument next);
  Result<Key> SystemKey(SystemObject object, policy::Purpose purpose) const;
  Result<Bytes> SealDocument(SystemObject object, const std::string& name,
                             PlaintextView content) const;
  Result<Plaintext> OpenDocument(SystemObject object, const std::string& name) const;
  Result<void> LoadSigningKeys();
  // The tenant's receipt keys: Ed25519, ML-DSA-44.
  Result<std::vector<Key>> ReceiptSeeds(const TenantId& tenant) const;
  Result<std::vector<audit::VerifierKey>> ReceiptVerifiers(const TenantId& tenant) const;
  Result<void> OpenLog();
  Result<void> FinishRemovals();
  // A tenant's tree, its objects and records in `next`; not in force before SaveState.
  Result<std::unique_ptr<KeyTree>> MakeTenant(const std::string& name, StateDocument& next);
  // In `next`, without a grant. An empty name: one of its own. Errors: kConflict: the name is
  // taken.
  Result<PrincipalRecord> MakePrincipal(KeyTree& tree, std::string name, policy::Label ceiling,
                                        StateDocument& next);
  static policy::Label HighestLabel(const StateDocument& document) {
    return static_cast<policy::Label>(document.labels.size() - 1);
  }
};

// The log's name in its checkpoints.
std::string LogOrigin(const TenantId& deployment);

// A leaf of this type and of now.
audit::Leaf LeafOf(audit::LeafType type);

inline constexpr std::size_t kMaxRecords = 100'000;  // tenants, principals, keys, grants or models
// Everything, everywhere in its tenant, up to its ceiling.
void GrantEverything(const PrincipalRecord& principal, StateDocument& next);
std::unexpected<Error> NoSuchTenant(const std::string& name);
std::unexpected<Error> NoSuchPrincipal(const std::string& name);

// Makes an entry with a fresh secret.
Result<NewEntry> FreshEntry(const ObjectId& id, policy::ObjectKind kind);

}  // namespace casemate::custody
