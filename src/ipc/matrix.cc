#include "ipc/matrix.h"

#include <algorithm>
#include <array>

namespace casemate::ipc {
namespace {

using enum MessageType;
using enum ProcessKind;

constexpr std::array kSupervisorToFront = {kSetupFront,      kStartKeeperReply, kStop,
                                           kSettings,        kReloadReply,      kDrain,
                                           kAttachCustodian, kCollect,          kGathered};
constexpr std::array kFrontToSupervisor = {kReady,   kStartKeeper, kServing, kReload,
                                           kDrained, kCollected,   kGather};
constexpr std::array kSupervisorToCustodian = {kSetupCustodian, kAttachKeeper, kStop,
                                               kSettings,       kAttachFront,  kCollect};
constexpr std::array kCustodianToSupervisor = {kReady, kAttachKeeperReply, kAttachFrontReply,
                                               kCollected};
constexpr std::array kSupervisorToKeeper = {kSetupKeeper, kStartRoomReply, kStartParseReply,
                                            kStop,        kSettings,       kCollect};
constexpr std::array kKeeperToSupervisor = {kReady, kStartRoom, kStartParse, kCollected};
constexpr std::array kSupervisorToRoom = {kSetupRoom, kStop, kSettings, kCollect};
constexpr std::array kRoomToSupervisor = {kReady, kCollected};
constexpr std::array kSupervisorToParse = {kSetupParse, kStop};
constexpr std::array kSupervisorToLoader = {kSetupLoader, kStop};
constexpr std::array kOnlyReady = {kReady};
constexpr std::array kLoaderToSupervisor = {kReady, kLoaded};
constexpr std::array kCustodianToFront = {kIdentity, kAdmission, kLockState};
constexpr std::array kFrontToCustodian = {kAdmissionReply};
constexpr std::array kFrontToKeeper = {kHttpRequest};
constexpr std::array kKeeperToFront = {kHttpHead, kHttpBody, kHttpEnd};
constexpr std::array kKeeperToCustodian = {kTicketRequest, kOpen,  kRenew,           kCloseTicket,
                                           kCreateObjects, kErase, kCloseForReceipt, kFilter};
constexpr std::array kCustodianToKeeper = {
    kTenant,           kTicketReply,          kOpenReply,  kRenewReply,
    kCloseTicketReply, kCreateObjectsReply,   kEraseReply, kRevoke,
    kReceiptKeys,      kCloseForReceiptReply, kFilterReply};
constexpr std::array kKeeperToRoom = {kGenerate, kEmbed, kCountTokens, kRank};
constexpr std::array kRoomToKeeper = {kGenerateStarted, kGenerateText,     kGenerateDone,
                                      kEmbedReply,      kCountTokensReply, kRankReply};
constexpr std::array kKeeperToParse = {kParseDocument};
constexpr std::array kParseToKeeper = {kParseDocumentReply};
constexpr std::array kOperatorToCustodian = {
    kKeyCreate,       kKeyList,      kKeyRevoke,       kTenantCreate,  kTenantList,
    kModelRegister,   kModelList,    kStatus,          kInit,          kUnlock,
    kTenantChange,    kTenantRemove, kPrincipalCreate, kPrincipalList, kPrincipalChange,
    kPrincipalRemove, kGrantAdd,     kGrantList,       kGrantRemove};
constexpr std::array kCustodianToOperator = {
    kKeyCreateReply,       kKeyListReply,       kKeyRevokeReply,
    kTenantCreateReply,    kTenantListReply,    kModelRegisterReply,
    kModelListReply,       kStatusReply,        kInitReply,
    kUnlockReply,          kTenantChangeReply,  kTenantRemoveReply,
    kPrincipalCreateReply, kPrincipalListReply, kPrincipalChangeReply,
    kPrincipalRemoveReply, kGrantAddReply,      kGrantListReply,
    kGrantRemoveReply};

constexpr std::array<ChannelRule, 24> kMatrix = {{
    {kSupervisor, kFront, kSupervisorToFront},
    {kFront, kSupervisor, kFrontToSupervisor},
    {kSupervisor, kCustodian, kSupervisorToCustodian},
    {kCustodian, kSupervisor, kCustodianToSupervisor},
    {kSupervisor, kKeeper, kSupervisorToKeeper},
    {kKeeper, kSupervisor, kKeeperToSupervisor},
    {kSupervisor, kRoom, kSupervisorToRoom},
    {kRoom, kSupervisor, kRoomToSupervisor},
    {kSupervisor, kParse, kSupervisorToParse},
    {kParse, kSupervisor, kOnlyReady},
    {kSupervisor, kLoader, kSupervisorToLoader},
    {kLoader, kSupervisor, kLoaderToSupervisor},
    {kCustodian, kFront, kCustodianToFront},
    {kFront, kCustodian, kFrontToCustodian},
    {kFront, kKeeper, kFrontToKeeper},
    {kKeeper, kFront, kKeeperToFront},
    {kKeeper, kCustodian, kKeeperToCustodian},
    {kCustodian, kKeeper, kCustodianToKeeper},
    {kKeeper, kRoom, kKeeperToRoom},
    {kRoom, kKeeper, kRoomToKeeper},
    {kKeeper, kParse, kKeeperToParse},
    {kParse, kKeeper, kParseToKeeper},
    {kOperator, kCustodian, kOperatorToCustodian},
    {kCustodian, kOperator, kCustodianToOperator},
}};

}  // namespace

std::string_view ProcessKindName(ProcessKind kind) {
  switch (kind) {
    case kSupervisor:
      return "supervisor";
    case kFront:
      return "front";
    case kKeeper:
      return "keeper";
    case kRoom:
      return "room";
    case kParse:
      return "parse";
    case kCustodian:
      return "custodian";
    case kOperator:
      return "operator";
    case kLoader:
      return "loader";
  }
  return "unknown";
}

std::string_view MessageTypeName(MessageType type) {
  switch (type) {
    case kCancel:
      return "cancel";
    case kCredit:
      return "credit";
    case kError:
      return "error";
    case kSetupFront:
      return "setup_front";
    case kSetupCustodian:
      return "setup_custodian";
    case kSetupKeeper:
      return "setup_keeper";
    case kSetupRoom:
      return "setup_room";
    case kSetupParse:
      return "setup_parse";
    case kSetupLoader:
      return "setup_loader";
    case kReady:
      return "ready";
    case kStartKeeper:
      return "start_keeper";
    case kStartKeeperReply:
      return "start_keeper_reply";
    case kStartRoom:
      return "start_room";
    case kStartRoomReply:
      return "start_room_reply";
    case kStartParse:
      return "start_parse";
    case kStartParseReply:
      return "start_parse_reply";
    case kAttachKeeper:
      return "attach_keeper";
    case kAttachKeeperReply:
      return "attach_keeper_reply";
    case kLoaded:
      return "loaded";
    case kServing:
      return "serving";
    case kStop:
      return "stop";
    case kIdentity:
      return "identity";
    case kAdmission:
      return "admission";
    case kAdmissionReply:
      return "admission_reply";
    case kHttpRequest:
      return "http_request";
    case kHttpHead:
      return "http_head";
    case kHttpBody:
      return "http_body";
    case kHttpEnd:
      return "http_end";
    case kTenant:
      return "tenant";
    case kTicketRequest:
      return "ticket_request";
    case kTicketReply:
      return "ticket_reply";
    case kOpen:
      return "open";
    case kOpenReply:
      return "open_reply";
    case kRenew:
      return "renew";
    case kRenewReply:
      return "renew_reply";
    case kCloseTicket:
      return "close_ticket";
    case kCloseTicketReply:
      return "close_ticket_reply";
    case kCreateObjects:
      return "create_objects";
    case kCreateObjectsReply:
      return "create_objects_reply";
    case kErase:
      return "erase";
    case kEraseReply:
      return "erase_reply";
    case kRevoke:
      return "revoke";
    case kReceiptKeys:
      return "receipt_keys";
    case kCloseForReceipt:
      return "close_for_receipt";
    case kCloseForReceiptReply:
      return "close_for_receipt_reply";
    case kGenerate:
      return "generate";
    case kGenerateStarted:
      return "generate_started";
    case kGenerateText:
      return "generate_text";
    case kGenerateDone:
      return "generate_done";
    case kEmbed:
      return "embed";
    case kEmbedReply:
      return "embed_reply";
    case kCountTokens:
      return "count_tokens";
    case kCountTokensReply:
      return "count_tokens_reply";
    case kRank:
      return "rank";
    case kRankReply:
      return "rank_reply";
    case kParseDocument:
      return "parse_document";
    case kParseDocumentReply:
      return "parse_document_reply";
    case kKeyCreate:
      return "key_create";
    case kKeyCreateReply:
      return "key_create_reply";
    case kKeyList:
      return "key_list";
    case kKeyListReply:
      return "key_list_reply";
    case kKeyRevoke:
      return "key_revoke";
    case kKeyRevokeReply:
      return "key_revoke_reply";
    case kTenantCreate:
      return "tenant_create";
    case kTenantCreateReply:
      return "tenant_create_reply";
    case kTenantList:
      return "tenant_list";
    case kTenantListReply:
      return "tenant_list_reply";
    case kModelRegister:
      return "model_register";
    case kModelRegisterReply:
      return "model_register_reply";
    case kModelList:
      return "model_list";
    case kModelListReply:
      return "model_list_reply";
    case kStatus:
      return "status";
    case kStatusReply:
      return "status_reply";
    case kInit:
      return "init";
    case kInitReply:
      return "init_reply";
    case kSettings:
      return "settings";
    case kReload:
      return "reload";
    case kReloadReply:
      return "reload_reply";
    case kDrain:
      return "drain";
    case kDrained:
      return "drained";
    case kAttachCustodian:
      return "attach_custodian";
    case kAttachFront:
      return "attach_front";
    case kAttachFrontReply:
      return "attach_front_reply";
    case kUnlock:
      return "unlock";
    case kUnlockReply:
      return "unlock_reply";
    case kLockState:
      return "lock_state";
    case kCollect:
      return "collect";
    case kCollected:
      return "collected";
    case kGather:
      return "gather";
    case kGathered:
      return "gathered";
    case kTenantChange:
      return "tenant_change";
    case kTenantChangeReply:
      return "tenant_change_reply";
    case kTenantRemove:
      return "tenant_remove";
    case kTenantRemoveReply:
      return "tenant_remove_reply";
    case kPrincipalCreate:
      return "principal_create";
    case kPrincipalCreateReply:
      return "principal_create_reply";
    case kPrincipalList:
      return "principal_list";
    case kPrincipalListReply:
      return "principal_list_reply";
    case kPrincipalChange:
      return "principal_change";
    case kPrincipalChangeReply:
      return "principal_change_reply";
    case kPrincipalRemove:
      return "principal_remove";
    case kPrincipalRemoveReply:
      return "principal_remove_reply";
    case kGrantAdd:
      return "grant_add";
    case kGrantAddReply:
      return "grant_add_reply";
    case kGrantList:
      return "grant_list";
    case kGrantListReply:
      return "grant_list_reply";
    case kGrantRemove:
      return "grant_remove";
    case kGrantRemoveReply:
      return "grant_remove_reply";
    case kFilter:
      return "filter";
    case kFilterReply:
      return "filter_reply";
  }
  return "unknown";
}

std::span<const ChannelRule> ChannelMatrix() { return kMatrix; }

bool MaySend(ProcessKind from, ProcessKind to, MessageType type) {
  for (const ChannelRule& rule : kMatrix) {
    if (rule.from == from && rule.to == to) {
      return type == kCancel || type == kCredit || type == kError ||
             std::ranges::find(rule.types, type) != rule.types.end();
    }
  }
  return false;
}

}  // namespace casemate::ipc
