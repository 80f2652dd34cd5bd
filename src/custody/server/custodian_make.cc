#include "audit/verify/note.h"
#include "base/clock.h"
#include "crypto/certificate.h"
#include "crypto/hash.h"
#include "custody/purpose_key.h"
#include "custody/server/custodian_state.h"

// How a deployment begins.
namespace casemate::custody {
namespace {

constexpr std::chrono::days kAuthorityLifetime{3650};

Result<std::string> VerifierKeys(const TenantId& deployment,
                                 std::span<const crypto::SigningKey> keys) {
  std::string lines;
  for (const crypto::SigningKey& key : keys) {
    Result<audit::VerifierKey> verifier = audit::VerifierKey::Of(LogOrigin(deployment), key);
    if (!verifier) {
      return std::unexpected(verifier.error());
    }
    lines += verifier->ToString() + "\n";
  }
  return lines;
}

// Certificates, and their keys as sealed documents.
Result<std::vector<StoredDocument>> MakeCertificates(
    const Init& init, StateDocument& document,
    const std::function<Result<Bytes>(SystemObject, const char*, ByteView)>& seal) {
  Result<crypto::CertifiedKey> authority =
      crypto::MakeCertificateAuthority("Casemate local CA", kAuthorityLifetime);
  if (!authority) {
    return std::unexpected(authority.error());
  }
  crypto::LeafRequest request;
  request.dns_names = init.dns_names;
  request.ip_addresses = init.ip_addresses;
  if (request.dns_names.empty() && request.ip_addresses.empty()) {
    request.dns_names = {"localhost"};
    request.ip_addresses = {"127.0.0.1", "::1"};
  }
  Result<crypto::CertifiedKey> server = crypto::IssueServerCertificate(*authority, request);
  if (!server) {
    return std::unexpected(server.error());
  }
  document.certificate_der = server->certificate_der;
  document.authority_der = authority->certificate_der;
  Result<Bytes> tls =
      seal(SystemObject::kTlsKey, kTlsKeyName, server->private_key_der.RevealBytes());
  Result<Bytes> ca = seal(SystemObject::kAuthorityKey, kAuthorityKeyName,
                          authority->private_key_der.RevealBytes());
  if (!tls || !ca) {
    return std::unexpected(tls ? ca.error() : tls.error());
  }
  std::vector<StoredDocument> documents;
  documents.push_back({kTlsKeyName, std::move(*tls)});
  documents.push_back({kAuthorityKeyName, std::move(*ca)});
  return documents;
}

Result<void> SetLabels(const Init& init, StateDocument& document) {
  Result<policy::LabelOrder> order =
      init.labels.empty() ? policy::LabelOrder() : policy::LabelOrder::Of(init.labels);
  if (!order) {
    return std::unexpected(order.error());
  }
  document.labels = order->names();
  Result<policy::Label> fallback =
      order->Parse(init.default_label.empty() ? "internal" : init.default_label);
  if (!fallback && !init.default_label.empty()) {
    return Wrap(fallback.error(), "the default label");
  }
  document.default_label = fallback.value_or(policy::kLowestLabel);
  return {};
}

}  // namespace

Result<Custodian::Made> Custodian::Make(Options options, const Init& init) {
  auto state = std::make_unique<State>();
  State& s = *state;
  const std::filesystem::path folder = options.deployment / "custodian";
  const std::string mirror = options.mirror == "none" ? std::string() : options.mirror;
  std::error_code ignored;
  if (std::filesystem::exists(folder / "tree.db", ignored)) {
    return Fail(ErrorCode::kConflict, "there is a deployment in this folder");
  }
  std::filesystem::create_directories(folder, ignored);
  std::filesystem::create_directories(options.deployment / "audit", ignored);
  Result<TreeStore> store = TreeStore::Open(folder, mirror, true);
  if (!store) {
    return std::unexpected(store.error());
  }
  s.options = std::move(options);
  s.store.emplace(std::move(*store));
  const auto deployment = crypto::RandomId<TenantId>();
  if (Result<void> set = s.store->SetDeployment(deployment); !set) {
    return std::unexpected(set.error());
  }
  s.env.reset(new TreeEnvironment{
      *s.options.token, *s.store, {}, deployment, {}, {}, s.options.epoch_interval});
  Result<std::unique_ptr<KeyTree>> system = KeyTree::Make(*s.env, deployment);
  if (!system) {
    return std::unexpected(system.error());
  }
  s.system = std::move(*system);
  // The signing keys come from objects of the very change whose head they sign.
  std::vector<NewEntry> entries;
  for (std::uint8_t i = 0; i < kSystemObjects; ++i) {
    Result<NewEntry> entry =
        FreshEntry(RefOf(static_cast<SystemObject>(i)).id, policy::ObjectKind::kSystem);
    if (!entry) {
      return std::unexpected(entry.error());
    }
    entries.push_back(std::move(*entry));
  }
  for (const auto& [object, algorithm] :
       {std::pair(SystemObject::kLogEd25519, crypto::SignatureAlgorithm::kEd25519),
        std::pair(SystemObject::kLogMlDsa44, crypto::SignatureAlgorithm::kMlDsa44)}) {
    const NewEntry& entry = entries[static_cast<std::size_t>(object)];
    Result<Key> seed = DerivePurposeKey(entry.secret, policy::Purpose::kSigningSeed, deployment,
                                        entry.object.id, entry.object.version);
    Result<crypto::SigningKey> key =
        seed ? crypto::SigningKey::FromSeed(algorithm, *seed)
             : Result<crypto::SigningKey>(std::unexpected(seed.error()));
    if (!key) {
      return std::unexpected(key.error());
    }
    s.env->head_keys.push_back(std::move(*key));
  }
  if (Result<std::vector<std::uint32_t>> made = s.system->Create(std::move(entries)); !made) {
    return std::unexpected(made.error());
  }
  StateDocument document;
  document.models = init.models;
  if (Result<void> set = SetLabels(init, document); !set) {
    return std::unexpected(set.error());
  }
  Result<std::vector<StoredDocument>> documents = MakeCertificates(
      init, document, [&s](SystemObject object, const char* name, ByteView content) {
        return s.SealDocument(object, name, PlaintextView::Of(content));
      });
  if (!documents) {
    return std::unexpected(documents.error());
  }
  if (Result<std::vector<std::uint32_t>> put = s.system->CreateWith({}, std::move(*documents), {});
      !put) {
    return std::unexpected(put.error());
  }
  if (Result<void> opened = s.OpenLog(); !opened) {
    return std::unexpected(opened.error());
  }
  {
    const std::lock_guard changing(s.change_mutex);
    if (Result<void> saved = s.SaveState(std::move(document)); !saved) {
      return std::unexpected(saved.error());
    }
  }
  Result<std::string> verifiers = VerifierKeys(deployment, s.env->head_keys);
  if (!verifiers) {
    return std::unexpected(verifiers.error());
  }
  Made made;
  made.reply.authority_der = s.document->authority_der;
  made.reply.log_vkeys = std::move(*verifiers);
  made.reply.token = s.options.token->Describe();
  made.custodian.reset(new Custodian(std::move(state)));
  TenantCreate first;
  first.name = init.tenant;
  if (Result<TenantCreateReply> created = made.custodian->CreateTenant(first); !created) {
    return std::unexpected(created.error());
  }
  if (Result<void> synced = made.custodian->state_->store->SyncMirror(); !synced) {
    return std::unexpected(synced.error());
  }
  return made;
}

}  // namespace casemate::custody
