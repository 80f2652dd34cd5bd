#include "custody/server/release_desk.h"

#include "base/log.h"
#include "custody/server/release_desk_state.h"
#include "metrics/metrics.h"

namespace casemate::custody {
namespace {

metrics::Counter refusals("casemate_releases_refused_total",
                          "Tickets and releases that the custodian refused, by rule", {"rule"});

}  // namespace

ReleaseDesk::ReleaseDesk(Custodian& custodian, milliseconds lease)
    : state_(std::make_unique<State>(custodian, lease)) {}
ReleaseDesk::~ReleaseDesk() = default;

// --- Sessions and tickets -----------------------------------------------------------------------

ReleaseDesk::SessionId ReleaseDesk::OpenSession(const TenantId& tenant, Push push) {
  const std::lock_guard lock(state_->mutex);
  const SessionId id = ++state_->last_session;
  state_->sessions.emplace(id, Session{tenant, std::move(push), 0});
  return id;
}

void ReleaseDesk::CloseSession(SessionId session) {
  for (const auto& ticket :
       state_->EndWhere([session](const OpenTicket& one) { return one.session == session; })) {
    state_->ItemiseOrLog(*ticket);
  }
  const std::lock_guard lock(state_->mutex);
  state_->sessions.erase(session);
}

Result<TenantId> ReleaseDesk::State::TenantOf(SessionId session) const {
  const std::lock_guard lock(mutex);
  const auto found = sessions.find(session);
  if (found == sessions.end()) {
    return Fail(ErrorCode::kPermissionDenied, "this keeper is not attached");
  }
  return found->second.tenant;
}

Result<TenantId> ReleaseDesk::TenantOf(SessionId session) const {
  return state_->TenantOf(session);
}

Result<std::shared_ptr<OpenTicket>> ReleaseDesk::State::Find(SessionId session,
                                                             const TicketId& id) const {
  const std::lock_guard lock(mutex);
  const auto found = tickets.find(id);
  // A ticket of another session is treated as one that does not exist.
  if (found == tickets.end() || found->second->session != session) {
    return Refuse(ErrorCode::kDeadlineExceeded, Rule::kTicketOver, "the ticket is over");
  }
  return found->second;
}

std::shared_ptr<OpenTicket> ReleaseDesk::State::Take(const TicketId& id) {
  const std::lock_guard lock(mutex);
  const auto found = tickets.find(id);
  if (found == tickets.end()) {
    return nullptr;
  }
  auto ticket = std::move(found->second);
  tickets.erase(found);
  if (const auto session = sessions.find(ticket->session); session != sessions.end()) {
    --session->second.tickets;
  }
  return ticket;
}

std::vector<std::shared_ptr<OpenTicket>> ReleaseDesk::State::EndWhere(
    const std::function<bool(const OpenTicket&)>& which) {
  std::vector<TicketId> ids;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [id, ticket] : tickets) {
      if (which(*ticket)) {
        ids.push_back(id);
      }
    }
  }
  std::vector<std::shared_ptr<OpenTicket>> ended;
  for (const TicketId& id : ids) {
    if (auto ticket = Take(id)) {
      const std::lock_guard lock(ticket->mutex);
      ticket->over = true;
      ended.push_back(std::move(ticket));
    }
  }
  return ended;
}

void ReleaseDesk::State::LogRefusal(const audit::Leaf& base, Rule rule, std::size_t count) {
  audit::Leaf leaf = base;
  leaf.type = audit::LeafType::kRefusal;
  leaf.unix_ms = UnixMillis();
  leaf.rule = static_cast<std::uint8_t>(rule);
  refusals.Add({metrics::LabelValue::FromCode(policy::RuleName(rule))});
  leaf.count = static_cast<std::uint32_t>(count);
  if (Result<std::uint64_t> logged = custodian.log().AppendRelaxed(leaf); !logged) {
    LogError("a refusal could not be logged", logged.error());
  }
}

Result<RenewReply> ReleaseDesk::Renew(SessionId session, const RenewRequest& request) {
  Result<std::shared_ptr<OpenTicket>> found = state_->Find(session, request.ticket);
  if (!found) {
    return std::unexpected(found.error());
  }
  OpenTicket& ticket = **found;
  const std::lock_guard lock(ticket.mutex);
  const auto now = BootClock::now();
  if (ticket.over || now >= ticket.ends) {
    return Refuse(ErrorCode::kDeadlineExceeded, Rule::kTicketOver, "the ticket is over");
  }
  if (policy::Allows(ticket.request.actions, policy::Action::kIndex)) {
    ticket.ends = std::min(ticket.last,
                           std::max(ticket.ends, now + milliseconds(ticket.request.duration_ms)));
  }
  return RenewReply{state_->LeaseMs(ticket),
                    static_cast<std::uint32_t>(Until(ticket.ends).count())};
}

Result<std::uint64_t> ReleaseDesk::State::Itemise(OpenTicket& ticket, bool durable) {
  const std::lock_guard lock(ticket.mutex);
  ticket.over = true;
  audit::Leaf leaf = ticket.base;
  leaf.type = audit::LeafType::kTicketClosed;
  leaf.unix_ms = UnixMillis();
  leaf.count = static_cast<std::uint32_t>(ticket.released.size());
  if (!ticket.released.empty()) {
    Result<audit::Commitment> root = custodian.CommitObjects(ticket.tenant, ticket.released);
    if (!root) {
      return std::unexpected(root.error());
    }
    leaf.objects = *root;
  }
  Result<std::uint64_t> logged =
      durable ? custodian.log().Append(leaf) : custodian.log().AppendRelaxed(leaf);
  if (logged) {
    ticket.closed_entry = leaf;
    ticket.closed_index = *logged;
  }
  return logged;
}

void ReleaseDesk::State::ItemiseOrLog(OpenTicket& ticket) {
  if (Result<std::uint64_t> logged = Itemise(ticket); !logged) {
    LogError("a ticket that is over could not be logged", logged.error());
  }
}

Result<CloseTicketReply> ReleaseDesk::Close(SessionId session, const CloseTicketRequest& request) {
  Result<std::shared_ptr<OpenTicket>> found = state_->Find(session, request.ticket);
  if (!found) {
    return std::unexpected(found.error());
  }
  const std::shared_ptr<OpenTicket> ticket = state_->Take(request.ticket);
  if (!ticket) {
    return Refuse(ErrorCode::kDeadlineExceeded, Rule::kTicketOver, "the ticket is over");
  }
  Result<std::uint64_t> logged = state_->Itemise(*ticket);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  const std::lock_guard lock(ticket->mutex);
  return CloseTicketReply{ticket->opened, *logged};
}

std::uint32_t ReleaseDesk::State::EndAndTell(const std::function<bool(const OpenTicket&)>& which) {
  std::map<SessionId, Revoke> notices;
  const auto ended = EndWhere(which);
  for (const auto& ticket : ended) {
    notices[ticket->session].tickets.push_back(ticket->id);
  }
  for (const auto& [session, revoke] : notices) {
    Push push;
    {
      const std::lock_guard lock(mutex);
      if (const auto found = sessions.find(session); found != sessions.end()) {
        push = found->second.push;
      }
    }
    if (push) {
      push(revoke);
    }
  }
  for (const auto& ticket : ended) {
    ItemiseOrLog(*ticket);
    Remember(ticket);
  }
  return static_cast<std::uint32_t>(ended.size());
}

std::uint32_t ReleaseDesk::EndTicketsOf(const KeyId& key) {
  return state_->EndAndTell([&key](const OpenTicket& ticket) { return ticket.key == key; });
}

std::uint32_t ReleaseDesk::EndTicketsOf(const PrincipalId& principal) {
  return state_->EndAndTell(
      [&](const OpenTicket& ticket) { return ticket.request.principal == principal; });
}

std::uint32_t ReleaseDesk::EndTicketsOf(const TenantId& tenant) {
  return state_->EndAndTell([&](const OpenTicket& ticket) { return ticket.tenant == tenant; });
}

std::uint32_t ReleaseDesk::EndTicketsOf(const GrantId& grant) {
  return state_->EndAndTell([&grant](const OpenTicket& ticket) {
    return std::ranges::find(ticket.grants, grant, &GrantRecord::id) != ticket.grants.end();
  });
}

void ReleaseDesk::Sweep() {
  const auto now = BootClock::now();
  std::vector<std::shared_ptr<OpenTicket>> all;
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& [id, ticket] : state_->tickets) {
      all.push_back(ticket);
    }
  }
  for (const auto& ticket : all) {
    bool over = false;
    {
      const std::lock_guard lock(ticket->mutex);
      over = now >= ticket->ends;
    }
    if (over && state_->Take(ticket->id)) {
      state_->ItemiseOrLog(*ticket);
      state_->Remember(ticket);
    }
  }
}

std::uint32_t ReleaseDesk::open_tickets() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<std::uint32_t>(state_->tickets.size());
}

void ReleaseDesk::SetLease(std::chrono::milliseconds lease) { state_->lease = lease; }

std::uint64_t ReleaseDesk::opened_keys() const { return state_->opened_keys; }

}  // namespace casemate::custody
