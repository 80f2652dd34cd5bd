#include "custody/server/custody_server_state.h"

// Tenants, principals and grants, as the operator changes them. The order is the same for all: the
// change is durable and in the log, then what rested on it is ended and the keepers are told, then
// the front learns whom to let in, then the operator is answered.
namespace casemate::custody {
namespace {

template <typename Reply>
Result<Reply> As(Result<ChangeReply> changed) {
  if (!changed) {
    return std::unexpected(changed.error());
  }
  Reply reply;
  static_cast<ChangeReply&>(reply) = *changed;
  return reply;
}

}  // namespace

Result<ChangeReply> CustodyServer::State::ChangeTenant(const TenantChange& request) {
  Result<Custodian::Changed<TenantId>> changed = custodian->ChangeTenant(request);
  if (!changed) {
    return std::unexpected(changed.error());
  }
  ChangeReply reply;
  reply.log_index = changed->log_index;
  reply.tickets_ended = request.suspended ? desk->EndTicketsOf(changed->id) : 0;
  PushAdmission();
  return reply;
}

Result<TenantRemoveReply> CustodyServer::State::RemoveTenant(const TenantRemove& request) {
  // Suspended first: from here on no ticket is given, and those there are itemise while they can.
  // Where the confirmation is wrong nothing is to change.
  std::uint32_t ended = 0;
  if (request.confirmation == request.tenant) {
    Result<ChangeReply> suspended = ChangeTenant({request.tenant, true});
    if (!suspended && suspended.error().code != ErrorCode::kConflict) {
      return std::unexpected(suspended.error());
    }
    ended = suspended ? suspended->tickets_ended : 0;
    if (const TenantRecord* tenant = custodian->state()->FindTenant(request.tenant)) {
      DismissKeepers(tenant->id);
    }
  }
  Result<TenantRemoveReply> removed = custodian->RemoveTenant(request);
  if (removed) {
    removed->tickets_ended = ended;
    PushAdmission();
  }
  return removed;
}

Result<ChangeReply> CustodyServer::State::ChangePrincipal(const PrincipalChange& request) {
  Result<Custodian::Changed<PrincipalId>> changed = custodian->ChangePrincipal(request);
  if (!changed) {
    return std::unexpected(changed.error());
  }
  ChangeReply reply;
  reply.log_index = changed->log_index;
  reply.tickets_ended = request.suspended ? desk->EndTicketsOf(changed->id) : 0;
  PushAdmission();
  return reply;
}

Result<PrincipalRemoveReply> CustodyServer::State::RemovePrincipal(const PrincipalRemove& request) {
  if (!request.no_mirror && !custodian->erasure_has_second_copy()) {
    return custodian->RemovePrincipal(request);  // says what to do, and changes nothing
  }
  Result<ChangeReply> suspended = ChangePrincipal({request.tenant, request.name, true});
  if (!suspended && suspended.error().code != ErrorCode::kConflict) {
    return std::unexpected(suspended.error());
  }
  Result<PrincipalRemoveReply> removed = custodian->RemovePrincipal(request);
  if (removed) {
    removed->tickets_ended = suspended ? suspended->tickets_ended : 0;
    PushAdmission();
  }
  return removed;
}

void CustodyServer::State::DismissKeepers(const TenantId& tenant) {
  std::vector<std::shared_ptr<Connection>> keepers;
  {
    const std::lock_guard lock(mutex);
    for (const auto& connection : connections) {
      if (connection->session == 0 || connection->gone) {
        continue;
      }
      if (Result<TenantId> of = desk->TenantOf(connection->session); of && *of == tenant) {
        keepers.push_back(connection);
      }
    }
  }
  for (const auto& keeper : keepers) {
    keeper->gone = true;
    keeper->End();
  }
  changed.notify_all();  // reaped there
}

bool CustodyServer::State::ServeTenants(ipc::Incoming& incoming) {
  switch (incoming.type()) {
    case ipc::MessageType::kTenantCreate:
      Answer<TenantCreate>(incoming, [&](const TenantCreate& request) {
        Result<TenantCreateReply> reply = custodian->CreateTenant(request);
        if (reply) {
          PushAdmission();
        }
        return reply;
      });
      return true;
    case ipc::MessageType::kTenantList:
      Answer<TenantList>(incoming, [&](const TenantList&) -> Result<TenantListReply> {
        return custodian->ListTenants();
      });
      return true;
    case ipc::MessageType::kTenantChange:
      Answer<TenantChange>(incoming, [&](const TenantChange& request) {
        return As<TenantChangeReply>(ChangeTenant(request));
      });
      return true;
    case ipc::MessageType::kTenantRemove:
      Answer<TenantRemove>(incoming,
                           [&](const TenantRemove& request) { return RemoveTenant(request); });
      return true;
    case ipc::MessageType::kPrincipalCreate:
      Answer<PrincipalCreate>(incoming, [&](const PrincipalCreate& request) {
        return custodian->CreatePrincipal(request);
      });
      return true;
    case ipc::MessageType::kPrincipalList:
      Answer<PrincipalList>(incoming, [&](const PrincipalList& request) {
        return custodian->ListPrincipals(request);
      });
      return true;
    case ipc::MessageType::kPrincipalChange:
      Answer<PrincipalChange>(incoming, [&](const PrincipalChange& request) {
        return As<PrincipalChangeReply>(ChangePrincipal(request));
      });
      return true;
    case ipc::MessageType::kPrincipalRemove:
      Answer<PrincipalRemove>(
          incoming, [&](const PrincipalRemove& request) { return RemovePrincipal(request); });
      return true;
    case ipc::MessageType::kGrantAdd:
      Answer<GrantAdd>(incoming, [&](const GrantAdd& request) -> Result<GrantAddReply> {
        Result<Custodian::Granted> granted = custodian->AddGrant(request);
        if (!granted) {
          return std::unexpected(granted.error());
        }
        if (granted->reply.replaced) {
          granted->reply.tickets_ended = desk->EndTicketsOf(granted->replaced);
        }
        return granted->reply;
      });
      return true;
    case ipc::MessageType::kGrantList:
      Answer<GrantList>(incoming,
                        [&](const GrantList& request) { return custodian->ListGrants(request); });
      return true;
    case ipc::MessageType::kGrantRemove:
      Answer<GrantRemove>(incoming, [&](const GrantRemove& request) -> Result<GrantRemoveReply> {
        Result<std::uint64_t> logged = custodian->RemoveGrant(request.id);
        if (!logged) {
          return std::unexpected(logged.error());
        }
        GrantRemoveReply reply;
        reply.log_index = *logged;
        reply.tickets_ended = desk->EndTicketsOf(request.id);
        return reply;
      });
      return true;
    default:
      return false;
  }
}

}  // namespace casemate::custody
