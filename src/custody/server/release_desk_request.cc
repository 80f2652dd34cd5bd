#include "base/log.h"
#include "crypto/hash.h"
#include "custody/server/release_desk_state.h"

// Asking for a ticket: who may have which.
namespace casemate::custody {
namespace {

constexpr std::uint32_t kMaxDurationMs = 3'600'000;
constexpr std::size_t kMaxTicketsPerSession = 10'000;
constexpr int kMostTries = 3;  // while the state changes under a request

// A number that has no name is logged as what it is: unknown. It is denied in any case.
std::uint8_t JustificationNumber(policy::Justification justification) {
  const bool known =
      policy::ParseJustification(policy::JustificationName(justification)) == justification;
  return static_cast<std::uint8_t>(known ? justification : policy::Justification::kUnknown);
}

}  // namespace

Result<void> ReleaseDesk::State::CheckGrants(const StateDocument& state,
                                             const PrincipalRecord& principal,
                                             const TicketRequest& request, OpenTicket& ticket,
                                             Rule& rule) const {
  policy::ActionSet actions = 0;
  for (const GrantRecord& grant : state.grants) {
    if (grant.principal == principal.id) {
      ticket.grants.push_back(grant);
      actions = static_cast<policy::ActionSet>(actions | grant.actions);
    }
  }
  const auto refuse = [&rule](Rule why, std::string message) {
    rule = why;
    return Refuse(ErrorCode::kPermissionDenied, why, std::move(message));
  };
  constexpr const char* kNotGranted =
      "the principal may not do what was asked for; 'casemate grant list' shows what it may";
  if ((request.actions & ~actions) != 0) {
    return refuse(Rule::kActionNotGranted, kNotGranted);
  }
  if (request.all_collections) {
    return {};
  }
  ticket.collections.insert(request.collections.begin(), request.collections.end());
  for (const CollectionId& collection : ticket.collections) {
    policy::ActionSet here = 0;
    bool covered = false;
    for (const GrantRecord& grant : ticket.grants) {
      if (grant.Covers(collection)) {
        covered = true;
        here = static_cast<policy::ActionSet>(here | grant.actions);
      }
    }
    if (!covered) {
      return refuse(Rule::kCollectionNotGranted,
                    "the principal may not use this collection; 'casemate grant add' lets it");
    }
    if ((request.actions & ~here) != 0) {
      return refuse(Rule::kActionNotGranted, kNotGranted);
    }
  }
  return {};
}

namespace {

// The highest that the ticket opens at all.
policy::Label CeilingOf(const OpenTicket& ticket) {
  if (ticket.request.actions == 0) {
    return ticket.limit;  // nothing stored is opened
  }
  policy::Label ceiling = policy::kLowestLabel;
  if (ticket.request.all_collections || ticket.collections.empty()) {
    for (const GrantRecord& grant : ticket.grants) {
      ceiling = policy::Highest(ceiling, grant.ceiling);
    }
    return policy::Lowest(ceiling, ticket.limit);
  }
  for (const CollectionId& collection : ticket.collections) {
    ceiling =
        policy::Highest(ceiling, CeilingFor(ticket, collection).value_or(policy::kLowestLabel));
  }
  return ceiling;
}

TicketReply ReplyFor(const OpenTicket& ticket) {
  TicketReply reply;
  reply.ticket = ticket.id;
  reply.expires_in_ms = static_cast<std::uint32_t>(Until(ticket.ends).count());
  reply.ceiling = ticket.ceiling;
  std::set<CollectionId> named = ticket.collections;
  if (ticket.request.all_collections) {
    for (const GrantRecord& grant : ticket.grants) {
      if (!grant.all_collections) {
        named.insert(grant.collection);
      }
    }
    // Any id that no grant names stands for all of those.
    const std::optional<policy::Label> every = CeilingFor(ticket, crypto::RandomId<CollectionId>());
    reply.every_collection = every.has_value();
    reply.every_ceiling = every.value_or(policy::kLowestLabel);
  }
  for (const CollectionId& collection : named) {
    if (const std::optional<policy::Label> ceiling = CeilingFor(ticket, collection)) {
      reply.collections.push_back({collection, *ceiling});
    }
  }
  return reply;
}

}  // namespace

// Everything about a request that can be refused; `rule` says why it was.
Result<std::shared_ptr<OpenTicket>> ReleaseDesk::State::Judge(const TenantId& tenant,
                                                              const TicketRequest& request,
                                                              Rule& rule) {
  const std::shared_ptr<const StateDocument> now = custodian.state();
  const StateDocument& state = *now;
  const TenantRecord* record = state.FindTenant(tenant);
  const PrincipalRecord* principal = state.FindPrincipal(request.principal);
  auto ticket = std::make_shared<OpenTicket>();
  ticket->request = request;
  ticket->tenant = tenant;
  ticket->key = request.key;
  audit::Leaf& base = ticket->base;
  base.justification = JustificationNumber(request.justification);
  base.level = static_cast<std::uint8_t>(request.level);
  base.actions = request.actions;
  base.label = static_cast<std::uint8_t>(request.label);
  base.max_objects = request.max_objects;
  base.max_partitions = request.max_partitions;
  base.duration_ms = request.duration_ms;
  base.request = request.request_digest;
  if (record == nullptr || principal == nullptr || principal->tenant != tenant) {
    rule = Rule::kNoSuchPrincipal;
    return Refuse(ErrorCode::kPermissionDenied, rule, "this tenant has no such principal");
  }
  if (record->suspended || principal->suspended) {
    rule = Rule::kSuspended;
    return Refuse(ErrorCode::kPermissionDenied, rule,
                  record->suspended
                      ? "the tenant is suspended; 'casemate tenant resume' ends that"
                      : "the principal is suspended; 'casemate principal resume' ends that");
  }
  const KeyRecord* key = request.key.is_none() ? nullptr : state.FindKey(request.key);
  const bool key_fits = request.key.is_none() ? principal->is_operator
                                              : key != nullptr && key->principal == principal->id &&
                                                    !key->revoked && !key->ExpiredAt(UnixSeconds());
  if (!key_fits) {
    rule = Rule::kKeyRevoked;
    return Refuse(ErrorCode::kPermissionDenied, rule, "the API key is unknown, revoked or expired");
  }
  if (!policy::AllowedByDefault(request.justification)) {
    rule = Rule::kJustificationDenied;
    return Refuse(ErrorCode::kPermissionDenied, rule, "policy does not allow this justification");
  }
  // `asserted` is enough for every label in this version; the field is judged all the same.
  if (request.level < policy::ReleaseLevel::kAsserted) {
    rule = Rule::kReleaseLevelTooLow;
    return Refuse(ErrorCode::kPermissionDenied, rule, "a release level that is none");
  }
  if (Result<void> granted = CheckGrants(state, *principal, request, *ticket, rule); !granted) {
    return std::unexpected(granted.error());
  }
  ticket->limit = std::min({request.label, principal->ceiling,
                            key != nullptr ? key->ceiling : policy::kHighestLabel,
                            static_cast<policy::Label>(state.labels.size() - 1)});
  ticket->ceiling = CeilingOf(*ticket);
  ticket->owner_tag = principal->owner_tag();
  ticket->is_operator = principal->is_operator;
  auto duration = milliseconds(request.duration_ms);
  if (key != nullptr && key->expires != 0) {
    duration = std::min(duration, milliseconds((key->expires - UnixSeconds()) * 1000));
  }
  ticket->ends = BootClock::now() + duration;
  if (key != nullptr && key->expires != 0) {
    ticket->last = ticket->ends;
  }
  ticket->id = crypto::RandomId<TicketId>();
  ticket->principal_object = principal->object;
  Result<audit::Commitment> tenant_commitment =
      custodian.Commit(tenant, record->tenant_object, kTenantField, tenant.bytes());
  Result<audit::Commitment> principal_commitment =
      custodian.Commit(tenant, principal->object, kPrincipalField, principal->id.bytes());
  Result<audit::Commitment> ticket_commitment =
      custodian.Commit(tenant, principal->object, kTicketField, ticket->id.bytes());
  if (!tenant_commitment || !principal_commitment || !ticket_commitment) {
    return Fail(ErrorCode::kUnavailable, "the audit entry cannot be made, so nothing is released",
                tenant_commitment ? "principal" : tenant_commitment.error().detail);
  }
  base.tenant = *tenant_commitment;
  base.principal = *principal_commitment;
  base.ticket = *ticket_commitment;
  base.label = static_cast<std::uint8_t>(ticket->ceiling);
  return ticket;
}

Result<TicketReply> ReleaseDesk::Request(SessionId session, const TicketRequest& request) {
  Result<TenantId> tenant = state_->TenantOf(session);
  if (!tenant) {
    return std::unexpected(tenant.error());
  }
  if (request.duration_ms == 0 || request.duration_ms > kMaxDurationMs ||
      request.collections.size() > kMaxCollectionsPerTicket ||
      request.label > policy::kHighestLabel || (request.actions & ~policy::kEveryAction) != 0 ||
      request.level > policy::ReleaseLevel::kAttested) {
    return Fail(ErrorCode::kInvalidArgument,
                "a ticket needs 1 to 3,600,000 ms, known actions, a known label and level, "
                "and at most 64 collections");
  }
  for (int tries = 1;; ++tries) {
    Result<Given> given = state_->Give(session, *tenant, request);
    if (!given) {
      return std::unexpected(given.error());
    }
    // What was taken away while the entry was written may have missed this ticket: it is judged
    // again, under the state that is in force now.
    if (state_->custodian.state()->revision == given->revision) {
      return given->reply;
    }
    if (const auto ticket = state_->Take(given->reply.ticket)) {
      state_->ItemiseOrLog(*ticket);
    }
    if (tries == kMostTries) {
      return Fail(ErrorCode::kUnavailable, "grants are being changed; ask again");
    }
  }
}

Result<Given> ReleaseDesk::State::Give(SessionId session, const TenantId& tenant,
                                       const TicketRequest& request) {
  Rule rule = Rule::kNone;
  const std::uint64_t revision = custodian.state()->revision;
  Result<std::shared_ptr<OpenTicket>> judged = Judge(tenant, request, rule);
  if (!judged) {
    if (rule != Rule::kNone) {
      audit::Leaf base;
      base.justification = JustificationNumber(request.justification);
      base.level = static_cast<std::uint8_t>(request.level);
      base.actions = request.actions;
      base.request = request.request_digest;
      LogRefusal(base, rule, 0);
    }
    return std::unexpected(judged.error());
  }
  OpenTicket& ticket = **judged;
  ticket.session = session;
  // The durable entry first: no log, no key.
  audit::Leaf leaf = ticket.base;
  leaf.type = audit::LeafType::kTicket;
  leaf.unix_ms = UnixMillis();
  Result<std::uint64_t> logged = custodian.log().Append(leaf);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  ticket.entry = leaf;
  ticket.index = *logged;
  Given given{ReplyFor(ticket), revision};
  given.reply.log_index = *logged;
  const std::lock_guard lock(mutex);
  const auto found = sessions.find(session);
  if (found == sessions.end() || found->second.tickets >= kMaxTicketsPerSession) {
    return Fail(ErrorCode::kResourceExhausted, "too many open tickets");
  }
  ++found->second.tickets;
  tickets.emplace(ticket.id, *judged);
  return given;
}

}  // namespace casemate::custody
