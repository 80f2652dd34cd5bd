#include "retrieval/vault.h"

#include <algorithm>
#include <utility>

#include "crypto/hash.h"

namespace casemate::retrieval {
namespace {

using Leases = std::vector<std::optional<custody::Lease>>;

struct Opening {
  custody::ReleaseClient& client;
  const custody::Ticket& ticket;
  policy::Purpose purpose;

  // A release is all or nothing: where one object is gone the halves are asked for.
  Result<void> Open(std::span<const custody::ObjectRef> objects, Leases& out) {
    Result<std::vector<custody::Lease>> leases = client.Open(ticket, purpose, objects);
    if (leases) {
      std::ranges::move(*leases, std::back_inserter(out));
      return {};
    }
    if (leases.error().code != ErrorCode::kNotFound) {
      return std::unexpected(leases.error());
    }
    if (objects.size() == 1) {
      out.emplace_back(std::nullopt);
      return {};
    }
    const std::size_t half = objects.size() / 2;
    if (Result<void> first = Open(objects.first(half), out); !first) {
      return first;
    }
    return Open(objects.subspan(half), out);
  }
};

}  // namespace

Result<std::vector<custody::Reach>> Vault::Reaches(
    const custody::Ticket& ticket, policy::Purpose purpose,
    std::span<const custody::ObjectRef> objects) const {
  std::vector<custody::Reach> reaches;
  reaches.reserve(objects.size());
  for (std::size_t at = 0; at < objects.size(); at += custody::kMaxObjectsPerRelease) {
    const std::size_t size = std::min(custody::kMaxObjectsPerRelease, objects.size() - at);
    Result<std::vector<custody::Reach>> some =
        client_.Filter(ticket, purpose, objects.subspan(at, size));
    if (!some) {
      return std::unexpected(some.error());
    }
    reaches.insert(reaches.end(), some->begin(), some->end());
  }
  return reaches;
}

Result<std::vector<bool>> Vault::Visible(const custody::Ticket& ticket, policy::Purpose purpose,
                                         std::span<const custody::ObjectRef> objects) const {
  Result<std::vector<custody::Reach>> reaches = Reaches(ticket, purpose, objects);
  if (!reaches) {
    return std::unexpected(reaches.error());
  }
  std::vector<bool> visible;
  visible.reserve(objects.size());
  for (const custody::Reach reach : *reaches) {
    visible.push_back(reach == custody::Reach::kOpens);
  }
  return visible;
}

Result<Leases> Vault::OpenAll(const custody::Ticket& ticket, policy::Purpose purpose,
                              std::span<const custody::ObjectRef> objects) const {
  Leases leases;
  leases.reserve(objects.size());
  Opening opening{client_, ticket, purpose};
  for (std::size_t at = 0; at < objects.size(); at += custody::kMaxObjectsPerRelease) {
    const std::size_t size = std::min(custody::kMaxObjectsPerRelease, objects.size() - at);
    if (Result<void> opened = opening.Open(objects.subspan(at, size), leases); !opened) {
      return std::unexpected(opened.error());
    }
  }
  return leases;
}

bool IsHidden(const Error& error) {
  return error.code == ErrorCode::kPermissionDenied &&
         (error.detail == policy::RuleName(policy::Rule::kObjectNotInScope) ||
          error.detail == policy::RuleName(policy::Rule::kLabelOverCeiling));
}

Result<custody::Lease> Vault::OpenOne(const custody::Ticket& ticket, policy::Purpose purpose,
                                      const custody::ObjectRef& object,
                                      std::string_view name) const {
  Result<std::vector<custody::Lease>> leases = client_.Open(ticket, purpose, {&object, 1});
  if (!leases) {
    if (leases.error().code == ErrorCode::kNotFound || IsHidden(leases.error())) {
      return Fail(ErrorCode::kNotFound, std::string(name) + " does not exist");
    }
    return std::unexpected(leases.error());
  }
  return std::move(leases->front());
}

Result<storage::Tag> Vault::Hmac(const custody::Ticket& ticket, policy::Purpose purpose,
                                 PlaintextView message) const {
  Result<custody::Lease> lease = OpenOne(ticket, purpose, tenant_object_, "the tenant's object");
  if (!lease) {
    return std::unexpected(lease.error());
  }
  storage::Tag tag{};
  Result<void> made = lease->With([&](KeyView key) -> Result<void> {
    tag = crypto::HmacSha256(key, message.RevealBytes());
    return {};
  });
  if (!made) {
    return std::unexpected(made.error());
  }
  return tag;
}

Result<storage::Tag> Vault::CollectionNameTag(const custody::Ticket& ticket,
                                              PlaintextView name) const {
  Plaintext message;
  message.AppendLiteral("casemate/collection-name@v1");
  message.Append(name);
  return Hmac(ticket, policy::Purpose::kNameIndex, message);
}

Result<storage::Tag> Vault::DocumentNameTag(const custody::Ticket& ticket, CollectionId collection,
                                            PlaintextView name) const {
  Plaintext message;
  message.AppendLiteral("casemate/document-name@v1");
  message.Append(PlaintextView::Of(collection.bytes()));
  message.Append(name);
  return Hmac(ticket, policy::Purpose::kNameIndex, message);
}

Result<storage::Tag> Vault::ChangeTag(const custody::Ticket& ticket, const storage::Tag& name_tag,
                                      std::string_view pipeline, policy::Label label,
                                      const std::array<std::byte, 32>& digest) const {
  // Fixed-size fields first; the pipeline's text goes through a hash, so that no two lists of
  // fields give the same bytes.
  Plaintext message;
  message.AppendLiteral("casemate/change@v1");
  message.Append(PlaintextView::Of(ByteView(name_tag)));
  message.Append(PlaintextView::Of(ByteView(crypto::Sha256(AsBytes(pipeline)))));
  const std::byte label_byte{static_cast<std::uint8_t>(label)};
  message.Append(PlaintextView::Of(ByteView(&label_byte, 1)));
  message.Append(PlaintextView::Of(ByteView(digest)));
  return Hmac(ticket, policy::Purpose::kChangeIndex, message);
}

}  // namespace casemate::retrieval
