#include "custody/server/release_desk_state.h"

// What a ticket reaches: docs/formats/release.md, "How an opening is judged".
namespace casemate::custody {
namespace {

using policy::Action;
using policy::Label;
using policy::ObjectKind;

bool OfTenantObjectOnly(policy::Purpose purpose) {
  return purpose == policy::Purpose::kNameIndex || purpose == policy::Purpose::kChangeIndex;
}

// A collection's own object is in that collection: its name is as secret as what it holds.
CollectionId HomeOf(const ObjectEntry& entry) {
  return entry.kind == ObjectKind::kCollection ? As<CollectionId>(entry.id) : entry.collection;
}

// In no collection, and made by another principal.
bool IsForeign(const OpenTicket& ticket, const ObjectEntry& entry) {
  return entry.owner != 0 && entry.owner != ticket.owner_tag && !ticket.is_operator &&
         HomeOf(entry).is_none();
}

// A file is shared by being in a collection. Reading needs one that the ticket reaches; erasing,
// which takes it out of all of them, needs every one.
Rule SharedBy(const OpenTicket& ticket, const std::vector<ObjectEntry>& derived, Action action) {
  bool shared = false;
  for (const ObjectEntry& one : derived) {
    const std::optional<Label> ceiling = CeilingFor(ticket, one.collection, action);
    const bool reached = !one.collection.is_none() && ceiling && one.label <= *ceiling;
    if (!reached && action == Action::kErase) {
      return Rule::kObjectNotInScope;
    }
    shared = shared || reached;
  }
  return shared ? Rule::kNone : Rule::kObjectNotInScope;
}

}  // namespace

std::optional<Label> CeilingFor(const OpenTicket& ticket, const CollectionId& collection,
                                Action action) {
  if (!collection.is_none() && !ticket.request.all_collections &&
      !ticket.collections.contains(collection)) {
    return std::nullopt;
  }
  std::optional<Label> ceiling;
  for (const GrantRecord& grant : ticket.grants) {
    const bool allows =
        policy::Allows(grant.actions, action) ||
        (action == Action::kSearch && policy::Allows(ticket.request.actions, Action::kIndex) &&
         policy::Allows(grant.actions, Action::kIndex));
    if (allows && (collection.is_none() || grant.Covers(collection))) {
      ceiling = policy::Highest(ceiling.value_or(policy::kLowestLabel), grant.ceiling);
    }
  }
  return ceiling ? std::optional(policy::Lowest(*ceiling, ticket.limit)) : std::nullopt;
}

std::optional<Label> CeilingFor(const OpenTicket& ticket, const CollectionId& collection) {
  Label ceiling = ticket.limit;
  for (std::uint16_t bit = 1; bit <= policy::kEveryAction;
       bit = static_cast<std::uint16_t>(bit * 2)) {
    const auto action = static_cast<Action>(bit);
    if (!policy::Allows(ticket.request.actions, action)) {
      continue;
    }
    const std::optional<Label> here = CeilingFor(ticket, collection, action);
    if (!here) {
      return std::nullopt;
    }
    ceiling = policy::Lowest(ceiling, *here);
  }
  return ceiling;
}

Result<Rule> Scope(const OpenTicket& ticket, KeyTree& tree, const ObjectEntry& entry,
                   std::uint32_t slot, Action action) {
  if (ticket.made.contains(slot)) {
    return Rule::kNone;
  }
  if (entry.kind == ObjectKind::kPrincipal || entry.kind == ObjectKind::kSystem) {
    return Rule::kObjectNotInScope;
  }
  const std::optional<Label> ceiling = CeilingFor(ticket, HomeOf(entry), action);
  if (!ceiling) {
    return Rule::kObjectNotInScope;
  }
  if (entry.label > *ceiling) {
    return Rule::kLabelOverCeiling;
  }
  if (!IsForeign(ticket, entry)) {
    return Rule::kNone;
  }
  Result<std::vector<ObjectEntry>> derived = tree.DerivedFrom(slot);
  if (!derived) {
    return std::unexpected(derived.error());
  }
  return SharedBy(ticket, *derived, action);
}

Result<Rule> MayOpen(const OpenTicket& ticket, KeyTree& tree, const ObjectEntry& entry,
                     std::uint32_t slot, policy::Purpose purpose) {
  const Action action = policy::ActionFor(purpose);
  const policy::ActionSet actions = ticket.request.actions;
  const bool allowed = policy::Allows(actions, action) ||
                       (action == Action::kSearch && policy::Allows(actions, Action::kIndex));
  const bool own = policy::Allows(actions, Action::kSeal) && ticket.made.contains(slot);
  if (!allowed && !own) {
    return Rule::kActionNotGranted;
  }
  if (OfTenantObjectOnly(purpose) && entry.kind != ObjectKind::kTenant) {
    return Rule::kObjectNotInScope;
  }
  return Scope(ticket, tree, entry, slot, action);
}

Result<std::vector<ObjectEntry>> EntriesOf(KeyTree& tree, std::span<const ObjectRef> objects) {
  std::vector<ObjectEntry> entries;
  entries.reserve(objects.size());
  Result<void> read = tree.WithObjects(
      objects, [&](std::size_t, const ObjectEntry& entry, KeyView) -> Result<void> {
        entries.push_back(entry);
        return {};
      });
  if (!read) {
    return std::unexpected(read.error());
  }
  return entries;
}

}  // namespace casemate::custody
