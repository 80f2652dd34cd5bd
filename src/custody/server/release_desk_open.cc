#include "custody/purpose_key.h"
#include "custody/server/release_desk_state.h"

// Opening objects under a ticket, and saying which could be.
namespace casemate::custody {
Result<OpenReply> ReleaseDesk::Open(SessionId session, const OpenRequest& request) {
  if (request.objects.empty() || request.objects.size() > kMaxObjectsPerRelease ||
      !ReleasedToKeepers(request.purpose)) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected 1 to 1024 objects and a purpose that is released");
  }
  Result<std::shared_ptr<OpenTicket>> found = state_->Find(session, request.ticket);
  if (!found) {
    return std::unexpected(found.error());
  }
  OpenTicket& ticket = **found;
  const std::lock_guard lock(ticket.mutex);
  Rule rule = Rule::kNone;
  const auto refuse = [&](ErrorCode code, std::string message) {
    state_->LogRefusal(ticket.base, rule, request.objects.size());
    return Refuse(code, rule, std::move(message));
  };
  if (ticket.over || BootClock::now() >= ticket.ends) {
    rule = Rule::kTicketOver;
    return refuse(ErrorCode::kDeadlineExceeded, "the ticket is over");
  }
  if (ticket.request.max_objects - ticket.opened < request.objects.size()) {
    rule = Rule::kOverObjectCeiling;
    return refuse(ErrorCode::kPermissionDenied, "more objects than the ticket allows");
  }
  Result<KeyTree*> tree = state_->custodian.Tree(ticket.tenant);
  if (!tree) {
    return std::unexpected(tree.error());
  }
  // Judged before a key is made: what a file is shared by stands in other entries.
  Result<std::vector<ObjectEntry>> entries = EntriesOf(**tree, request.objects);
  if (!entries) {
    if (entries.error().code == ErrorCode::kNotFound) {
      state_->LogRefusal(ticket.base, Rule::kErased, request.objects.size());
    }
    return std::unexpected(entries.error());
  }
  auto partitions = ticket.partitions;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    Result<Rule> judged =
        MayOpen(ticket, **tree, (*entries)[i], request.objects[i].slot, request.purpose);
    if (!judged) {
      return std::unexpected(judged.error());
    }
    if (*judged != Rule::kNone) {
      rule = *judged;
      return refuse(ErrorCode::kPermissionDenied,
                    "the ticket does not allow opening this object for this purpose");
    }
    if ((*entries)[i].kind == policy::ObjectKind::kAttachment &&
        policy::ActionFor(request.purpose) == policy::Action::kSearch) {
      partitions.emplace((*entries)[i].collection, (*entries)[i].label);
    }
  }
  if (ticket.request.max_partitions != 0 && partitions.size() > ticket.request.max_partitions) {
    rule = Rule::kOverPartitionCeiling;
    return refuse(ErrorCode::kPermissionDenied, "more partitions than the ticket allows");
  }
  OpenReply reply;
  Result<void> opened = (*tree)->WithObjects(
      request.objects, [&](std::size_t, const ObjectEntry& entry, KeyView secret) -> Result<void> {
        Result<Key> key =
            DerivePurposeKey(secret, request.purpose, ticket.tenant, entry.id, entry.version);
        if (!key) {
          return std::unexpected(key.error());
        }
        reply.keys.push_back(std::move(*key));
        reply.labels.push_back(entry.label);
        return {};
      });
  if (!opened) {
    if (opened.error().code == ErrorCode::kNotFound) {  // erased a moment ago
      state_->LogRefusal(ticket.base, Rule::kErased, request.objects.size());
    }
    return std::unexpected(opened.error());
  }
  std::vector<ObjectId> ids;
  ids.reserve(request.objects.size());
  for (const ObjectRef& ref : request.objects) {
    ids.push_back(ref.id);
  }
  Result<audit::Commitment> root = state_->custodian.CommitObjects(ticket.tenant, ids);
  if (!root) {
    return std::unexpected(root.error());
  }
  audit::Leaf leaf = ticket.base;
  leaf.type = audit::LeafType::kRelease;
  leaf.unix_ms = UnixMillis();
  leaf.purpose = static_cast<std::uint8_t>(request.purpose);
  leaf.count = static_cast<std::uint32_t>(ids.size());
  leaf.objects = *root;
  if (Result<std::uint64_t> logged = state_->custodian.log().AppendRelaxed(leaf); !logged) {
    return std::unexpected(logged.error());
  }
  ticket.opened += static_cast<std::uint32_t>(ids.size());
  ticket.partitions = std::move(partitions);
  ticket.released.insert(ticket.released.end(), ids.begin(), ids.end());
  state_->opened_keys += ids.size();
  reply.lease_ms = state_->LeaseMs(ticket);
  return reply;
}

Result<FilterReply> ReleaseDesk::Filter(SessionId session, const FilterRequest& request) {
  if (request.objects.empty() || request.objects.size() > kMaxObjectsPerRelease ||
      !ReleasedToKeepers(request.purpose)) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected 1 to 1024 objects and a purpose that is released");
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
  const std::lock_guard lock(ticket.mutex);
  if (ticket.over || BootClock::now() >= ticket.ends) {
    return Refuse(ErrorCode::kDeadlineExceeded, Rule::kTicketOver, "the ticket is over");
  }
  FilterReply reply;
  for (const ObjectRef& ref : request.objects) {
    Result<std::vector<ObjectEntry>> entry = EntriesOf(**tree, {&ref, 1});
    if (!entry && entry.error().code != ErrorCode::kNotFound) {
      return std::unexpected(entry.error());
    }
    Reach reach = Reach::kHidden;
    if (entry) {
      Result<Rule> judged = MayOpen(ticket, **tree, entry->front(), ref.slot, request.purpose);
      if (!judged) {
        return std::unexpected(judged.error());
      }
      reach = *judged == Rule::kNone               ? Reach::kOpens
              : *judged == Rule::kObjectNotInScope ? Reach::kElsewhere
                                                   : Reach::kHidden;
    }
    reply.reaches.push_back(reach);
  }
  return reply;
}

}  // namespace casemate::custody
