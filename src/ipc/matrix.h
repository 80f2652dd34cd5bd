#pragma once

#include <cstdint>
#include <span>
#include <string_view>

// Who may say what to whom. This table is the isolation claim in one place: a channel refuses to
// send or to accept a type that its row does not hold, and docs/architecture.md prints it.
namespace casemate::ipc {

enum class ProcessKind : std::uint8_t {
  kSupervisor = 1,
  kFront = 2,
  kKeeper = 3,
  kRoom = 4,
  kParse = 5,
  kCustodian = 6,
  kOperator = 7,  // the `casemate` command, over the custodian's control socket
  kLoader = 8,    // fills a model's memfd and hashes it
};
std::string_view ProcessKindName(ProcessKind kind);

// Numbers are part of the wire format (docs/formats/ipc.md): append only.
enum class MessageType : std::uint16_t {
  // Every pair: flow control and failure of a request.
  kCancel = 1,
  kCredit = 2,
  kError = 3,
  // Supervisor and its children.
  kSetupFront = 16,
  kSetupCustodian = 17,
  kSetupKeeper = 18,
  kSetupRoom = 19,
  kSetupParse = 20,
  kSetupLoader = 21,
  kReady = 22,
  kStartKeeper = 23,
  kStartKeeperReply = 24,
  kStartRoom = 25,
  kStartRoomReply = 26,
  kStartParse = 27,
  kStartParseReply = 28,
  kAttachKeeper = 29,
  kAttachKeeperReply = 30,
  kLoaded = 31,
  kServing = 32,
  kStop = 33,
  kSettings = 34,
  kReload = 35,
  kReloadReply = 36,
  kDrain = 37,
  kDrained = 38,
  kAttachCustodian = 39,
  kAttachFront = 40,
  kAttachFrontReply = 41,
  // Custodian and front.
  kIdentity = 48,
  kAdmission = 49,
  kAdmissionReply = 50,
  // Front and keeper.
  kHttpRequest = 64,
  kHttpHead = 65,
  kHttpBody = 66,
  kHttpEnd = 67,
  // Keeper and custodian.
  kTenant = 80,
  kTicketRequest = 81,
  kTicketReply = 82,
  kOpen = 83,
  kOpenReply = 84,
  kRenew = 85,
  kRenewReply = 86,
  kCloseTicket = 87,
  kCloseTicketReply = 88,
  kCreateObjects = 89,
  kCreateObjectsReply = 90,
  kErase = 91,
  kEraseReply = 92,
  kRevoke = 93,
  kReceiptKeys = 94,
  kCloseForReceipt = 95,
  kCloseForReceiptReply = 96,
  // Keeper and room.
  kGenerate = 112,
  kGenerateStarted = 113,
  kGenerateText = 114,
  kGenerateDone = 115,
  kEmbed = 116,
  kEmbedReply = 117,
  kCountTokens = 118,
  kCountTokensReply = 119,
  kRank = 120,
  kRankReply = 121,
  // Keeper and parser.
  kParseDocument = 128,
  kParseDocumentReply = 129,
  // Operator and custodian.
  kKeyCreate = 144,
  kKeyCreateReply = 145,
  kKeyList = 146,
  kKeyListReply = 147,
  kKeyRevoke = 148,
  kKeyRevokeReply = 149,
  kTenantCreate = 150,
  kTenantCreateReply = 151,
  kTenantList = 152,
  kTenantListReply = 153,
  kModelRegister = 154,
  kModelRegisterReply = 155,
  kModelList = 156,
  kModelListReply = 157,
  kStatus = 158,
  kStatusReply = 159,
  kInit = 160,
  kInitReply = 161,
  // Tenants, principals, grants.
  kTenantChange = 162,
  kTenantChangeReply = 163,
  kTenantRemove = 164,
  kTenantRemoveReply = 165,
  kPrincipalCreate = 166,
  kPrincipalCreateReply = 167,
  kPrincipalList = 168,
  kPrincipalListReply = 169,
  kPrincipalChange = 170,
  kPrincipalChangeReply = 171,
  kPrincipalRemove = 172,
  kPrincipalRemoveReply = 173,
  kGrantAdd = 174,
  kGrantAddReply = 175,
  kGrantList = 176,
  kGrantListReply = 177,
  kGrantRemove = 178,
  kGrantRemoveReply = 179,
  // Keeper and custodian: what a ticket would open.
  kFilter = 180,
  kFilterReply = 181,
  // Operations: operator and custodian; kLockState is the custodian's to the front.
  kUnlock = 182,
  kUnlockReply = 183,
  kLockState = 184,
  // Metrics: supervisor and children; front and supervisor.
  kCollect = 208,
  kCollected = 209,
  kGather = 210,
  kGathered = 211,
};
std::string_view MessageTypeName(MessageType type);

struct ChannelRule {
  ProcessKind from;
  ProcessKind to;
  std::span<const MessageType> types;  // kCancel, kCredit and kError are allowed on every row
};

// Every row. Pairs that are not in it have no channel.
std::span<const ChannelRule> ChannelMatrix();
bool MaySend(ProcessKind from, ProcessKind to, MessageType type);

}  // namespace casemate::ipc
