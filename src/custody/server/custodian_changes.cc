#include <algorithm>

#include "base/clock.h"
#include "crypto/hash.h"
#include "custody/server/custodian_state.h"

// What the operator changes: keys and models; and how every change is made. Each is sealed and
// durable before its entry of the log is.
namespace casemate::custody {
namespace {

constexpr std::size_t kMaxName = 256;  // bytes of a key's or model's name

}  // namespace

Result<void> Custodian::State::SaveState(StateDocument next) {
  ++next.revision;
  Result<Bytes> sealed = SealDocument(SystemObject::kState, kStateName, WriteStateDocument(next));
  if (!sealed) {
    return std::unexpected(sealed.error());
  }
  if (Result<void> put = system->PutState(kStateName, std::move(*sealed)); !put) {
    return put;
  }
  const std::unique_lock lock(mutex);
  document = std::make_shared<const StateDocument>(std::move(next));
  return {};
}

Result<KeyCreateReply> Custodian::CreateKey(const KeyCreate& request) {
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  if (request.name.size() > kMaxName) {
    return Fail(ErrorCode::kInvalidArgument, "a key's name has at most 256 bytes");
  }
  if (request.expires != 0 && request.expires <= UnixSeconds()) {
    return Fail(ErrorCode::kInvalidArgument, "the key's end is in the past");
  }
  const TenantRecord* found = next.FindTenant(request.tenant);
  if (found == nullptr) {
    return NoSuchTenant(request.tenant);
  }
  if (next.keys.size() >= kMaxRecords) {
    return Fail(ErrorCode::kResourceExhausted, "too many keys");
  }
  const TenantRecord tenant = *found;
  Result<KeyTree*> tree = Tree(tenant.id);
  Result<Key> secret = Key::Random();
  if (!tree || !secret) {
    return std::unexpected(tree ? secret.error() : tree.error());
  }
  KeyRecord key;
  key.id = crypto::RandomId<KeyId>();
  key.verifier = crypto::Sha256(secret->view().RevealKey());
  key.tenant = tenant.id;
  key.name = request.name;
  key.ceiling = policy::Lowest(request.ceiling, s.HighestLabel(next));
  key.created = UnixSeconds();
  key.expires = request.expires;
  PrincipalRecord principal;
  if (request.principal.empty()) {
    Result<PrincipalRecord> made = s.MakePrincipal(**tree, {}, key.ceiling, next);
    if (!made) {
      return std::unexpected(made.error());
    }
    principal = *made;
    GrantEverything(principal, next);
  } else {
    const PrincipalRecord* named = next.FindPrincipal(tenant.id, request.principal);
    if (named == nullptr) {
      return NoSuchPrincipal(request.principal);
    }
    if (named->is_operator) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the operator's principal acts through the operator's socket and has no keys; "
                  "make another with 'casemate principal create'");
    }
    principal = *named;
  }
  key.principal = principal.id;
  next.keys.push_back(key);
  KeyCreateReply reply;
  reply.id = key.id;
  reply.principal = principal.id;
  reply.key.AppendLiteral("cm-" + ToBase32(key.id.bytes()) + "-");
  // ToBase32 is for public bytes; what it returns here is wiped at once.
  std::string digits = ToBase32(secret->view().RevealKey());
  reply.key.Append(PlaintextView::Of(std::string_view(digits)));
  Wipe(std::as_writable_bytes(std::span(digits)));
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  audit::Leaf leaf = LeafOf(audit::LeafType::kKeyCreated);
  leaf.label = static_cast<std::uint8_t>(key.ceiling);
  if (Result<std::uint64_t> logged = LogAbout(std::move(leaf), tenant, &principal); !logged) {
    return std::unexpected(logged.error());
  }
  return reply;
}

Result<std::uint64_t> Custodian::RevokeKey(const KeyId& id) {
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  const auto key = std::ranges::find(next.keys, id, &KeyRecord::id);
  if (key == next.keys.end()) {
    return Fail(ErrorCode::kNotFound, "there is no such key: " + id.ToString());
  }
  if (key->revoked) {
    return Fail(ErrorCode::kConflict, "this key was revoked before: " + id.ToString());
  }
  key->revoked = true;
  const PrincipalRecord principal = *next.FindPrincipal(key->principal);
  const TenantRecord tenant = *next.FindTenant(principal.tenant);
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  return LogAbout(LeafOf(audit::LeafType::kKeyRevoked), tenant, &principal);
}

Result<ModelRegisterReply> Custodian::RegisterModel(const ModelRegister& request) {
  const ModelEntry& model = request.model;
  Result<Bytes> digest = FromHex(model.digest);
  if (model.name.empty() || model.name.size() > kMaxName || !digest || digest->size() != 32 ||
      (model.task != "chat" && model.task != "embedding") || model.context_tokens == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "a model needs a name of 1 to 256 bytes, a SHA-256 digest in hexadecimal, the task "
                "'chat' or 'embedding', and a context size");
  }
  State& s = *state_;
  const std::lock_guard changing(s.change_mutex);
  StateDocument next = *state();
  const auto same = std::ranges::find(next.models, model.name, &ModelEntry::name);
  if (same != next.models.end()) {
    *same = model;
  } else if (next.models.size() >= kMaxRecords) {
    return Fail(ErrorCode::kResourceExhausted, "too many models");
  } else {
    next.models.push_back(model);
  }
  if (Result<void> saved = s.SaveState(std::move(next)); !saved) {
    return std::unexpected(saved.error());
  }
  Result<std::uint64_t> logged = s.log->Append(LeafOf(audit::LeafType::kModelRegistered));
  if (!logged) {
    return std::unexpected(logged.error());
  }
  return ModelRegisterReply{*logged};
}

}  // namespace casemate::custody
