#include <algorithm>

#include "base/log.h"
#include "custody/server/key_tree_state.h"

// How a tree begins, keeps in step with the token, and ends.
namespace casemate::custody {
namespace {

// epoch u64 || sequence u64 || SHA-256 of the head's text: greater is newer.
Bytes AnchorValue(const TreeHead& head) {
  Bytes value;
  PutU64(value, head.epoch);
  PutU64(value, head.sequence);
  Put(value, crypto::Sha256(AsBytes(WriteTreeHead(head))));
  return value;
}

}  // namespace

Bytes RootKeyContext(const TenantId& tenant, std::uint64_t epoch) {
  Bytes context;
  Put(context, AsBytes("casemate/root-key@v1"));
  Put(context, tenant.bytes());
  PutU64(context, epoch);
  return context;
}

std::string EpochKeyPrefix(const TenantId& tenant) {
  return "casemate " + tenant.ToString() + " epoch ";
}
std::string EpochKeyLabel(const TenantId& tenant, std::uint64_t epoch) {
  return EpochKeyPrefix(tenant) + std::to_string(epoch);
}
std::string AnchorLabel(const TenantId& tenant) {
  return "casemate " + tenant.ToString() + " head";
}

KeyTree::KeyTree(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeyTree::~KeyTree() = default;

Result<std::unique_ptr<KeyTree>> KeyTree::Make(TreeEnvironment& environment,
                                               const TenantId& tenant) {
  auto state = std::make_unique<State>(environment, tenant);
  state->head.deployment = environment.deployment;
  state->head.tenant = tenant;
  state->head.epoch = 1;
  Result<Key> root_key = Key::Random();
  Result<KeyNode> root = KeyNode::Empty(kRoot);
  if (!root_key || !root) {
    return std::unexpected(root ? root_key.error() : root.error());
  }
  const std::string label = EpochKeyLabel(tenant, 1);
  if (Result<void> made = environment.token.CreateKey(label); !made) {
    return std::unexpected(made.error());
  }
  Result<Bytes> wrapped = environment.token.Wrap(label, *root_key, RootKeyContext(tenant, 1));
  if (!wrapped) {
    return std::unexpected(wrapped.error());
  }
  state->root_key = std::move(*root_key);
  state->wrapped_root_key = std::move(*wrapped);
  state->cache[kRoot] = {std::make_shared<const KeyNode>(std::move(*root)), 0};
  return std::unique_ptr<KeyTree>(new KeyTree(std::move(state)));
}

Result<std::unique_ptr<KeyTree>> KeyTree::Open(TreeEnvironment& environment,
                                               const StoredHead& stored) {
  Result<TreeHead> head = ReadTreeHeadWithoutVerifying(stored.note);
  if (!head) {
    return std::unexpected(head.error());
  }
  if (head->tenant != stored.tenant || head->epoch != stored.epoch ||
      head->deployment != environment.deployment) {
    return Fail(ErrorCode::kIntegrityFailure, "a tree head that belongs elsewhere",
                stored.tenant.ToString());
  }
  Result<std::optional<Bytes>> anchor = environment.token.GetAnchor(AnchorLabel(stored.tenant));
  if (!anchor) {
    return std::unexpected(anchor.error());
  }
  const Bytes ours = AnchorValue(*head);
  if (*anchor && (ours < **anchor || ours.size() != (*anchor)->size())) {
    return Fail(ErrorCode::kIntegrityFailure,
                "the key tree is older than what the token has seen: an old copy was put back. "
                "Use the newest copy, or `casemate restore`",
                stored.tenant.ToString());
  }
  // Same epoch and sequence, another head: two histories.
  if (*anchor && ours != **anchor &&
      std::equal(ours.begin(), ours.begin() + 16, (*anchor)->begin())) {
    return Fail(ErrorCode::kIntegrityFailure, "the key tree is not the one that the token has seen",
                stored.tenant.ToString());
  }
  Result<Key> root_key =
      environment.token.Unwrap(EpochKeyLabel(stored.tenant, head->epoch), stored.wrapped_root_key,
                               RootKeyContext(stored.tenant, head->epoch));
  if (!root_key) {
    if (root_key.error().code == ErrorCode::kNotFound) {
      return Fail(ErrorCode::kIntegrityFailure,
                  "the token has no key for epoch " + std::to_string(head->epoch) +
                      ": the key tree is from before an erasure, or the token is another one",
                  stored.tenant.ToString());
    }
    return std::unexpected(root_key.error());
  }
  auto state = std::make_unique<State>(environment, stored.tenant);
  state->head = *head;
  state->root_key = std::move(*root_key);
  state->wrapped_root_key = stored.wrapped_root_key;
  state->note = stored.note;
  const std::lock_guard lock(state->mutex);
  if (Result<void> scanned = state->Scan(); !scanned) {
    return std::unexpected(scanned.error());
  }
  return std::unique_ptr<KeyTree>(new KeyTree(std::move(state)));
}

Result<void> KeyTree::VerifyHead() const {
  const std::lock_guard lock(state_->mutex);
  Result<TreeHead> head = OpenTreeHead(state_->note, state_->env.head_keys);
  if (!head) {
    return std::unexpected(head.error());
  }
  if (*head != state_->head) {
    return Fail(ErrorCode::kIntegrityFailure, "a tree head that belongs elsewhere");
  }
  return {};
}

Result<void> KeyTree::Settle() {
  if (Result<void> anchored = Anchor(); !anchored) {
    return anchored;
  }
  return state_->DestroyOldEpochKeys();
}

// All but the one in force: also what an earlier erasure left behind when the token failed.
Result<void> KeyTree::State::DestroyOldEpochKeys() {
  const std::string current = [&] {
    const std::lock_guard lock(mutex);
    return EpochKeyLabel(tenant, head.epoch);
  }();
  Result<std::vector<std::string>> labels = env.token.ListKeys(EpochKeyPrefix(tenant));
  if (!labels) {
    return std::unexpected(labels.error());
  }
  for (const std::string& label : *labels) {
    if (label != current) {
      if (Result<void> destroyed = env.token.DestroyKey(label); !destroyed) {
        return destroyed;
      }
      Log(LogLevel::kInfo, "epoch key destroyed", {{"label", label}});
    }
  }
  return {};
}

Result<void> KeyTree::State::PutAnchor() {
  const TreeHead now = [&] {
    const std::lock_guard lock(mutex);
    return head;
  }();
  if (Result<void> put = env.token.PutAnchor(AnchorLabel(tenant), AnchorValue(now)); !put) {
    return put;
  }
  const std::lock_guard lock(mutex);
  anchored_sequence = now.sequence;
  return {};
}

Result<void> KeyTree::Anchor() {
  const std::lock_guard leading(state_->commit_mutex);
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->destroyed || state_->anchored_sequence == state_->head.sequence) {
      return {};
    }
  }
  return state_->PutAnchor();
}

void KeyTree::DropIdleNodes() {
  const std::lock_guard lock(state_->mutex);
  if (state_->head.sequence == 0) {
    return;  // nothing is on disk yet
  }
  std::erase_if(state_->cache,
                [this](const auto& one) { return one.second.used <= state_->idle_since; });
  state_->idle_since = state_->uses;
}

namespace {

Result<void> DestroyEpochKeys(Token& token, const TenantId& tenant) {
  Result<std::vector<std::string>> labels = token.ListKeys(EpochKeyPrefix(tenant));
  if (!labels) {
    return std::unexpected(labels.error());
  }
  for (const std::string& label : *labels) {
    if (Result<void> destroyed = token.DestroyKey(label); !destroyed) {
      return destroyed;
    }
    Log(LogLevel::kInfo, "epoch key destroyed", {{"label", label}});
  }
  labels = token.ListKeys(EpochKeyPrefix(tenant));
  if (!labels) {
    return std::unexpected(labels.error());
  }
  if (!labels->empty()) {
    return Fail(ErrorCode::kUnavailable, "the token still has an epoch key that was destroyed");
  }
  return {};
}

}  // namespace

Result<void> DestroyTree(TreeEnvironment& environment, const TenantId& tenant) {
  if (Result<void> destroyed = DestroyEpochKeys(environment.token, tenant); !destroyed) {
    return destroyed;
  }
  const std::lock_guard lock(environment.store_mutex);
  return environment.store.RemoveTenant(tenant);
}

Result<void> KeyTree::Destroy() {
  const std::lock_guard leading(state_->commit_mutex);
  {
    const std::lock_guard lock(state_->mutex);
    state_->destroyed = true;
    state_->cache.clear();
    state_->root_key.reset();  // wiped
    state_->live = 0;
  }
  return DestroyTree(state_->env, state_->tenant);
}

}  // namespace casemate::custody
