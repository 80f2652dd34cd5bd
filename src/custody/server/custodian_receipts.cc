#include "audit/verify/signed_text.h"
#include "base/clock.h"
#include "crypto/kdf.h"
#include "custody/purpose_key.h"
#include "custody/server/custodian_state.h"

// Receipts: the tenant's receipt keys (docs/formats/key_tree.md, "Receipt keys") and the
// custodian's block.
namespace casemate::custody {
namespace {

constexpr std::string_view kEd25519Label = "casemate/receipt-ed25519@v1";
constexpr std::string_view kMlDsa44Label = "casemate/receipt-ml-dsa-44@v1";

Result<Key> StoreKey(KeyTree& tree, const ObjectRef& tenant_object) {
  Result<Key> key = Fail(ErrorCode::kNotFound, "no tenant object");
  const Result<void> found =
      tree.WithObjects({&tenant_object, 1},
                       [&](std::size_t, const ObjectEntry& entry, KeyView secret) -> Result<void> {
                         key = DerivePurposeKey(secret, policy::Purpose::kMetadata, tree.tenant(),
                                                entry.id, entry.version);
                         return {};
                       });
  if (!found) {
    return std::unexpected(found.error());
  }
  return key;
}

}  // namespace

Result<std::vector<Key>> Custodian::State::ReceiptSeeds(const TenantId& tenant) const {
  const ObjectRef ref = RefOf(SystemObject::kReceipt);
  std::vector<Key> seeds;
  const Result<void> found = system->WithObjects(
      {&ref, 1}, [&](std::size_t, const ObjectEntry& entry, KeyView secret) -> Result<void> {
        // The tenant's id is in the derivation: no keeper can sign as another tenant's.
        Result<Key> seed = DerivePurposeKey(secret, policy::Purpose::kSigningSeed, tenant, entry.id,
                                            entry.version);
        if (!seed) {
          return std::unexpected(seed.error());
        }
        for (const std::string_view label : {kEd25519Label, kMlDsa44Label}) {
          Result<Key> one = crypto::HkdfExpandKey(*seed, AsBytes(label));
          if (!one) {
            return std::unexpected(one.error());
          }
          seeds.push_back(std::move(*one));
        }
        return {};
      });
  if (!found) {
    return std::unexpected(found.error());
  }
  return seeds;
}

Result<std::vector<audit::VerifierKey>> Custodian::State::ReceiptVerifiers(
    const TenantId& tenant) const {
  {
    const std::lock_guard lock(receipt_mutex);
    if (const auto known = receipt_verifiers.find(tenant); known != receipt_verifiers.end()) {
      return known->second;
    }
  }
  Result<std::vector<Key>> seeds = ReceiptSeeds(tenant);
  if (!seeds) {
    return std::unexpected(seeds.error());
  }
  constexpr std::array kAlgorithms = {crypto::SignatureAlgorithm::kEd25519,
                                      crypto::SignatureAlgorithm::kMlDsa44};
  std::vector<audit::VerifierKey> verifiers;
  for (std::size_t i = 0; i < kAlgorithms.size(); ++i) {
    Result<crypto::SigningKey> key = crypto::SigningKey::FromSeed(kAlgorithms[i], (*seeds)[i]);
    if (!key) {
      return std::unexpected(key.error());
    }
    Result<audit::VerifierKey> verifier =
        audit::VerifierKey::Of(audit::ServerKeyName(LogOrigin(env->deployment)), *key);
    if (!verifier) {
      return std::unexpected(verifier.error());
    }
    verifiers.push_back(std::move(*verifier));
  }
  const std::lock_guard lock(receipt_mutex);
  return receipt_verifiers.emplace(tenant, std::move(verifiers)).first->second;
}

Result<ReceiptKeys> Custodian::ReceiptKeysFor(const TenantId& tenant) const {
  Result<Tenant> record = TenantFor(tenant);
  Result<KeyTree*> tree = Tree(tenant);
  if (!record || !tree) {
    return std::unexpected(record ? tree.error() : record.error());
  }
  Result<std::vector<Key>> seeds = state_->ReceiptSeeds(tenant);
  Result<Key> store = StoreKey(**tree, record->tenant_object);
  if (!seeds || !store) {
    return std::unexpected(seeds ? store.error() : seeds.error());
  }
  ReceiptKeys keys;
  keys.origin = LogOrigin(state_->env->deployment);
  keys.keys = std::move(*seeds);
  keys.keys.push_back(std::move(*store));
  return keys;
}

Result<std::string> Custodian::SignReceipt(const TenantId& tenant,
                                           audit::CustodianBlock block) const {
  Result<std::vector<audit::VerifierKey>> verifiers = state_->ReceiptVerifiers(tenant);
  if (!verifiers) {
    return std::unexpected(verifiers.error());
  }
  block.origin = LogOrigin(state_->env->deployment);
  block.unix_ms = UnixMillis();
  block.server_keys = std::move(*verifiers);
  return audit::SignText(audit::FormatBlock(block), block.origin, state_->env->head_keys);
}

}  // namespace casemate::custody
