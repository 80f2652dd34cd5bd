#include "base/log.h"
#include "crypto/hash.h"
#include "custody/server/release_desk_state.h"

// Asking for a ticket: who may have which.
namespace casemate::custody {
namespace {

constexpr std::uint32_t kMaxDurationMs = 3'600'000;
constexpr std::size_t kMaxTicketsPerSession = 10'000;
constexpr policy::ActionSet kEveryAction = 63;

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
  policy::Label granted = policy::kLowestLabel;
  policy::ActionSet actions = 0;
  for (const GrantRecord& grant : state.grants) {
    if (grant.principal != principal.id) {
      continue;
    }
    granted = policy::Highest(granted, grant.ceiling);
    actions = static_cast<policy::ActionSet>(actions | grant.actions);
    if (grant.all_collections) {
      ticket.every_collection = true;
    } else {
      ticket.collections.insert(grant.collection);
    }
  }
  if ((request.actions & ~actions) != 0) {
    rule = Rule::kActionNotGranted;
    return Refuse(ErrorCode::kPermissionDenied, rule,
                  "the principal may not do what was asked for");
  }
  ticket.ceiling = std::min({request.label, granted, principal.ceiling});
  if (!request.all_collections) {
    std::set<CollectionId> wanted(request.collections.begin(), request.collections.end());
    for (const CollectionId& collection : wanted) {
      if (!ticket.every_collection && !ticket.collections.contains(collection)) {
        rule = Rule::kCollectionNotGranted;
        return Refuse(ErrorCode::kPermissionDenied, rule,
                      "the principal may not read this collection");
      }
    }
    ticket.every_collection = false;
    ticket.collections = std::move(wanted);
  }
  return {};
}

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
  const KeyRecord* key = request.key.is_none() ? nullptr : state.FindKey(request.key);
  const bool key_fits = request.key.is_none()
                            ? principal->is_operator
                            : key != nullptr && key->principal == principal->id && !key->revoked;
  if (!key_fits) {
    rule = Rule::kKeyRevoked;
    return Refuse(ErrorCode::kPermissionDenied, rule, "the API key is unknown or revoked");
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
  if (key != nullptr) {
    ticket->ceiling = std::min(ticket->ceiling, key->ceiling);
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
      request.label > policy::kHighestLabel || (request.actions & ~kEveryAction) != 0 ||
      request.level > policy::ReleaseLevel::kAttested) {
    return Fail(ErrorCode::kInvalidArgument,
                "a ticket needs 1 to 3,600,000 ms, known actions, a known label and level, "
                "and at most 64 collections");
  }
  Rule rule = Rule::kNone;
  Result<std::shared_ptr<OpenTicket>> judged = state_->Judge(*tenant, request, rule);
  if (!judged) {
    if (rule != Rule::kNone) {
      audit::Leaf base;
      base.justification = JustificationNumber(request.justification);
      base.level = static_cast<std::uint8_t>(request.level);
      base.actions = request.actions;
      base.request = request.request_digest;
      state_->LogRefusal(base, rule, 0);
    }
    return std::unexpected(judged.error());
  }
  OpenTicket& ticket = **judged;
  ticket.session = session;
  ticket.ends = BootClock::now() + milliseconds(request.duration_ms);
  // The durable entry first: no log, no key.
  audit::Leaf leaf = ticket.base;
  leaf.type = audit::LeafType::kTicket;
  leaf.unix_ms = UnixMillis();
  Result<std::uint64_t> logged = state_->custodian.log().Append(leaf);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  ticket.entry = leaf;
  ticket.index = *logged;
  {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->sessions.find(session);
    if (found == state_->sessions.end() || found->second.tickets >= kMaxTicketsPerSession) {
      return Fail(ErrorCode::kResourceExhausted, "too many open tickets");
    }
    ++found->second.tickets;
    state_->tickets.emplace(ticket.id, *judged);
  }
  // A key that was revoked while the entry was written: EndTicketsOf may have missed this ticket.
  if (!request.key.is_none()) {
    const std::shared_ptr<const StateDocument> state = state_->custodian.state();
    const KeyRecord* key = state->FindKey(request.key);
    if (key == nullptr || key->revoked) {
      (void)state_->Take(ticket.id);
      return Refuse(ErrorCode::kPermissionDenied, Rule::kKeyRevoked,
                    "the API key is unknown or revoked");
    }
  }
  return TicketReply{ticket.id, request.duration_ms, ticket.ceiling, *logged};
}

}  // namespace casemate::custody
