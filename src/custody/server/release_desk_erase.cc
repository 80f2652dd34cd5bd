#include "custody/server/release_desk_state.h"

// Erasing objects under a ticket.
namespace casemate::custody {

Result<EraseReply> ReleaseDesk::Erase(SessionId session, const EraseRequest& request) {
  if (request.objects.empty() || request.objects.size() > kMaxObjectsPerRelease) {
    return Fail(ErrorCode::kInvalidArgument, "expected 1 to 1024 objects");
  }
  Result<std::shared_ptr<OpenTicket>> found = state_->Find(session, request.ticket);
  if (!found) {
    return std::unexpected(found.error());
  }
  OpenTicket& ticket = **found;
  Result<KeyTree*> tree = state_->custodian.Tree(ticket.tenant);
  if (!tree) {
    return std::unexpected(tree.error());
  }
  Rule rule = Rule::kNone;
  ErrorCode code = ErrorCode::kPermissionDenied;
  std::string message = "the ticket does not allow erasing this object";
  {
    const std::lock_guard lock(ticket.mutex);
    if (ticket.over || BootClock::now() >= ticket.ends) {
      rule = Rule::kTicketOver;
      code = ErrorCode::kDeadlineExceeded;
      message = "the ticket is over";
    } else if (!policy::Allows(ticket.request.actions, policy::Action::kErase)) {
      rule = Rule::kActionNotGranted;
    } else if (!request.no_mirror && !state_->custodian.erasure_has_second_copy()) {
      rule = Rule::kNoMirror;
      code = ErrorCode::kInvalidArgument;
      message =
          "after an erasure no older copy of the key tree opens anything, and this deployment has "
          "no second copy: a lost disk would then lose everything. Set custody.mirror to a folder "
          "on another disk, or accept the risk with --no-mirror";
    } else {
      Result<std::vector<ObjectEntry>> entries = EntriesOf(**tree, request.objects);
      if (!entries) {
        return std::unexpected(entries.error());  // already erased, or damaged
      }
      for (std::size_t i = 0; i < entries->size() && rule == Rule::kNone; ++i) {
        Result<Rule> judged =
            Scope(ticket, **tree, (*entries)[i], request.objects[i].slot, policy::Action::kErase);
        if (!judged) {
          return std::unexpected(judged.error());
        }
        rule =
            (*entries)[i].kind == policy::ObjectKind::kTenant ? Rule::kObjectNotInScope : *judged;
      }
    }
    if (rule != Rule::kNone) {
      state_->LogRefusal(ticket.base, rule, request.objects.size());
      return Refuse(code, rule, message);
    }
  }
  Result<Erased> erased = (*tree)->Erase(request.objects);
  if (!erased) {
    return std::unexpected(erased.error());
  }
  std::vector<ObjectId> ids;
  ids.reserve(erased->objects.size());
  for (const ObjectRef& ref : erased->objects) {
    ids.push_back(ref.id);
  }
  Result<audit::Commitment> root = state_->custodian.CommitObjects(ticket.tenant, ids);
  if (!root) {
    return std::unexpected(root.error());
  }
  audit::Leaf leaf = ticket.base;
  leaf.type = audit::LeafType::kErasure;
  leaf.unix_ms = UnixMillis();
  leaf.count = static_cast<std::uint32_t>(ids.size());
  leaf.objects = *root;
  leaf.epoch = erased->epoch;
  Result<std::uint64_t> logged = state_->custodian.log().Append(leaf);
  if (!logged) {
    return std::unexpected(logged.error());
  }
  Revoke revoke;
  revoke.objects = ids;
  std::vector<Push> pushes;
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& [id, one] : state_->sessions) {
      if (one.tenant == ticket.tenant) {
        pushes.push_back(one.push);
      }
    }
  }
  for (const Push& push : pushes) {
    push(revoke);
  }
  EraseReply reply;
  reply.epoch = erased->epoch;
  reply.erased = std::move(erased->objects);
  reply.log_index = *logged;
  reply.caveat =
      "This rests on the token: a backup of the token from before brings the epoch key back "
      "(SoftHSM2 keeps its keys in files: an old copy of those, with the PIN, is such a backup). "
      "It says "
      "nothing about copies of the running machine's memory, or about what a keeper kept of keys "
      "that were released to it before.";
  return reply;
}

}  // namespace casemate::custody
