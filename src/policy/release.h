#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

// The words of a release: why, how well asserted, for what. Numbers are part of the ticket, the log
// and the key derivation: append only.
namespace casemate::policy {

// Google Cloud's Key Access Justifications (google.cloud.kms.v1.AccessReason, 0 to 11) plus the two
// that a key manager needs when the field is absent or unknown.
enum class Justification : std::uint8_t {
  kReasonUnspecified = 0,
  kCustomerInitiatedSupport = 1,
  kGoogleInitiatedService = 2,  // here: provider-initiated service
  kThirdPartyDataRequest = 3,
  kGoogleInitiatedReview = 4,
  kCustomerInitiatedAccess = 5,
  kGoogleInitiatedSystemOperation = 6,  // here: the server's own indexing, caching, backup
  kReasonNotExpected = 7,
  kModifiedCustomerInitiatedAccess = 8,
  kModifiedGoogleInitiatedSystemOperation = 9,
  kGoogleResponseToProductionAlert = 10,
  kCustomerAuthorizedWorkflowServicing = 11,
  kUnavailable = 100,
  kUnknown = 101,
};
std::string_view JustificationName(Justification justification);  // "CUSTOMER_INITIATED_ACCESS"
Justification ParseJustification(std::string_view name);          // an unknown name is kUnknown
// The default rule: 5, 6, 7 and 1 are allowed; legal process, provider-initiated and absent are
// not.
bool AllowedByDefault(Justification justification);

// Who vouches for the reason.
enum class ReleaseLevel : std::uint8_t { kAsserted = 1, kSession = 2, kSigned = 3, kAttested = 4 };
std::string_view ReleaseLevelName(ReleaseLevel level);

// What a ticket allows; a set of bits.
enum class Action : std::uint16_t {
  kList = 1,    // open metadata
  kRead = 2,    // open content
  kSearch = 4,  // open chunks, vectors, keywords
  kSeal = 8,    // make objects, and get their keys to seal with
  kErase = 16,
  kIndex = 32,  // as kSearch, for an index that outlives the request; renewable
};
using ActionSet = std::uint16_t;
constexpr ActionSet operator|(Action a, Action b) {
  return static_cast<ActionSet>(static_cast<ActionSet>(a) | static_cast<ActionSet>(b));
}
constexpr ActionSet operator|(ActionSet a, Action b) {
  return static_cast<ActionSet>(a | static_cast<ActionSet>(b));
}
inline constexpr ActionSet kEveryAction = 63;
constexpr bool Allows(ActionSet set, Action action) {
  return (set & static_cast<ActionSet>(action)) != 0;
}

// "list", "read", "search", "seal", "erase", "index"; a set as "read,search".
std::string_view ActionName(Action action);
std::string ActionNames(ActionSet actions);
// Errors: kInvalidArgument: empty, or a name that is none of these; says which there are.
[[nodiscard]] Result<ActionSet> ParseActions(std::string_view names);

// What a purpose key opens; part of its derivation.
enum class Purpose : std::uint8_t {
  kContent = 1,
  kMetadata = 2,
  kChunks = 3,
  kVectors = 4,
  kKeywords = 5,
  kPrefixCache = 6,
  kNameIndex = 7,    // HMAC of names, of the tenant object only
  kChangeIndex = 8,  // HMAC of contents, of the tenant object only
  kSalt = 9,         // salts of log leaves, of a principal's object
  kSigningSeed = 10,
};
inline constexpr std::uint8_t kLastPurpose = 10;
std::string_view PurposeName(Purpose purpose);
// The action that a ticket must hold to open keys of this purpose (kSeal opens any of an object
// that it made itself).
Action ActionFor(Purpose purpose);

enum class ObjectKind : std::uint8_t {
  kTenant = 1,  // one per tenant, slot 0: name and change indexes
  kPrincipal = 2,
  kCollection = 3,
  kFile = 4,
  kAttachment = 5,  // one file in one collection: its chunks and vectors; dies with the file
  kConversation = 6,
  kResponse = 7,
  kArtefact = 8,   // several sources
  kSystem = 9,     // system tenant only
  kManifest = 10,  // the sealed list of what a ticket released
};
inline constexpr std::uint8_t kLastObjectKind = 10;
std::string_view ObjectKindName(ObjectKind kind);

// Why a ticket or a release was refused; what `rule` of a log leaf holds
// (docs/formats/audit_leaf.md).
enum class Rule : std::uint8_t {
  kNone = 0,  // not a refusal
  kNoSuchPrincipal = 1,
  kKeyRevoked = 2,
  kJustificationDenied = 3,
  kCollectionNotGranted = 4,
  kLabelOverCeiling = 5,
  kActionNotGranted = 6,
  kOverObjectCeiling = 7,  // more objects than the ticket allows
  kTicketOver = 8,         // expired, closed or revoked
  kObjectNotInScope = 9,
  kErased = 10,
  kNoMirror = 11,  // erasure without a second copy, not accepted by the operator
  kReleaseLevelTooLow = 12,
  kOverPartitionCeiling = 13,
  kSuspended = 14,         // the tenant or the principal
  kLabelBelowSource = 15,  // of what would be made from something more confidential
};
inline constexpr std::uint8_t kLastRule = 15;
std::string_view RuleName(Rule rule);  // "justification_denied"

}  // namespace casemate::policy
