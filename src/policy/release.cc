#include "policy/release.h"

#include <algorithm>
#include <array>
#include <utility>

namespace casemate::policy {
namespace {

constexpr std::array<std::pair<Justification, std::string_view>, 14> kJustifications = {{
    {Justification::kReasonUnspecified, "REASON_UNSPECIFIED"},
    {Justification::kCustomerInitiatedSupport, "CUSTOMER_INITIATED_SUPPORT"},
    {Justification::kGoogleInitiatedService, "GOOGLE_INITIATED_SERVICE"},
    {Justification::kThirdPartyDataRequest, "THIRD_PARTY_DATA_REQUEST"},
    {Justification::kGoogleInitiatedReview, "GOOGLE_INITIATED_REVIEW"},
    {Justification::kCustomerInitiatedAccess, "CUSTOMER_INITIATED_ACCESS"},
    {Justification::kGoogleInitiatedSystemOperation, "GOOGLE_INITIATED_SYSTEM_OPERATION"},
    {Justification::kReasonNotExpected, "REASON_NOT_EXPECTED"},
    {Justification::kModifiedCustomerInitiatedAccess, "MODIFIED_CUSTOMER_INITIATED_ACCESS"},
    {Justification::kModifiedGoogleInitiatedSystemOperation,
     "MODIFIED_GOOGLE_INITIATED_SYSTEM_OPERATION"},
    {Justification::kGoogleResponseToProductionAlert, "GOOGLE_RESPONSE_TO_PRODUCTION_ALERT"},
    {Justification::kCustomerAuthorizedWorkflowServicing, "CUSTOMER_AUTHORIZED_WORKFLOW_SERVICING"},
    {Justification::kUnavailable, "UNAVAILABLE"},
    {Justification::kUnknown, "UNKNOWN"},
}};

// The names of a list that starts at `first`; what is not in it is "unknown".
template <std::size_t kCount>
std::string_view NameAt(const std::array<std::string_view, kCount>& names, std::size_t index,
                        std::size_t first) {
  return index >= first && index - first < kCount ? names[index - first] : "unknown";
}

}  // namespace

std::string_view JustificationName(Justification justification) {
  for (const auto& [value, name] : kJustifications) {
    if (value == justification) {
      return name;
    }
  }
  return "UNKNOWN";
}

Justification ParseJustification(std::string_view name) {
  for (const auto& [value, known] : kJustifications) {
    if (name == known) {
      return value;
    }
  }
  return Justification::kUnknown;
}

bool AllowedByDefault(Justification justification) {
  switch (justification) {
    case Justification::kCustomerInitiatedSupport:
    case Justification::kCustomerInitiatedAccess:
    case Justification::kGoogleInitiatedSystemOperation:
    case Justification::kReasonNotExpected:
      return true;
    default:  // a number that nobody has named yet is refused as well
      return false;
  }
}

std::string_view ReleaseLevelName(ReleaseLevel level) {
  static constexpr std::array<std::string_view, 4> kNames = {"asserted", "session", "signed",
                                                             "attested"};
  return NameAt(kNames, static_cast<std::size_t>(level), 1);
}

namespace {

constexpr std::array<Action, 6> kActions = {Action::kList, Action::kRead,  Action::kSearch,
                                            Action::kSeal, Action::kErase, Action::kIndex};

}  // namespace

std::string_view ActionName(Action action) {
  switch (action) {
    case Action::kList:
      return "list";
    case Action::kRead:
      return "read";
    case Action::kSearch:
      return "search";
    case Action::kSeal:
      return "seal";
    case Action::kErase:
      return "erase";
    case Action::kIndex:
      return "index";
  }
  return "unknown";
}

std::string ActionNames(ActionSet actions) {
  std::string names;
  for (const Action action : kActions) {
    if (Allows(actions, action)) {
      names.append(names.empty() ? "" : ",").append(ActionName(action));
    }
  }
  return names;
}

Result<ActionSet> ParseActions(std::string_view names) {
  ActionSet actions = 0;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    const auto known = std::ranges::find(kActions, name, ActionName);
    if (known == kActions.end()) {
      return Fail(
          ErrorCode::kInvalidArgument,
          "actions: expected some of list, read, search, seal, erase and index, with commas "
          "between");
    }
    actions = actions | *known;
  }
  if (actions == 0) {
    return Fail(ErrorCode::kInvalidArgument, "actions: expected at least one");
  }
  return actions;
}

std::string_view PurposeName(Purpose purpose) {
  static constexpr std::array<std::string_view, kLastPurpose> kNames = {
      "content",      "metadata",   "chunks",       "vectors", "keywords",
      "prefix_cache", "name_index", "change_index", "salt",    "signing_seed"};
  return NameAt(kNames, static_cast<std::size_t>(purpose), 1);
}

Action ActionFor(Purpose purpose) {
  switch (purpose) {
    case Purpose::kContent:
    case Purpose::kPrefixCache:
      return Action::kRead;
    case Purpose::kMetadata:
    case Purpose::kNameIndex:
      return Action::kList;
    case Purpose::kChunks:
    case Purpose::kVectors:
    case Purpose::kKeywords:
      return Action::kSearch;
    case Purpose::kChangeIndex:
    case Purpose::kSalt:
    case Purpose::kSigningSeed:
      return Action::kSeal;
  }
  return Action::kSeal;  // the narrowest: who may only read gets nothing new
}

std::string_view ObjectKindName(ObjectKind kind) {
  static constexpr std::array<std::string_view, kLastObjectKind> kNames = {
      "tenant",       "principal", "collection", "file",   "attachment",
      "conversation", "response",  "artefact",   "system", "manifest"};
  return NameAt(kNames, static_cast<std::size_t>(kind), 1);
}

std::string_view RuleName(Rule rule) {
  static constexpr std::array<std::string_view, kLastRule + 1> kNames = {"none",
                                                                         "no_such_principal",
                                                                         "key_revoked",
                                                                         "justification_denied",
                                                                         "collection_not_granted",
                                                                         "label_over_ceiling",
                                                                         "action_not_granted",
                                                                         "over_object_ceiling",
                                                                         "ticket_over",
                                                                         "object_not_in_scope",
                                                                         "erased",
                                                                         "no_mirror",
                                                                         "release_level_too_low",
                                                                         "over_partition_ceiling",
                                                                         "suspended",
                                                                         "label_below_source"};
  return NameAt(kNames, static_cast<std::size_t>(rule), 0);
}

}  // namespace casemate::policy
