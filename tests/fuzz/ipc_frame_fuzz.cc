// What another process may send: a packet on a channel (first byte even), or the payload of each
// kind of message (odd; then its type, u16). What decodes must encode to the same bytes.
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "base/bytes.h"
#include "custody/operator_messages.h"
#include "inference/messages.h"
#include "ipc/channel.h"
#include "ipc/codec.h"
#include "ipc/control.h"
#include "ipc/supervision.h"
#include "net/messages.h"
#include "retrieval/messages.h"

namespace {

using namespace casemate;  // NOLINT: the whole file is one program

template <typename T>
bool TryOne(ipc::MessageType type, PlaintextView payload) {
  if (type != T::kType) {
    return false;
  }
  if (Result<T> message = ipc::Decode<T>(payload)) {
    if (!EqualConstantTime(ipc::Encode(*message), payload)) {
      std::abort();  // two byte strings for one message
    }
  }
  return true;
}

template <typename... T>
void TryAll(ipc::MessageType type, PlaintextView payload) {
  (void)(TryOne<T>(type, payload) || ...);
}

void DecodePayload(ipc::MessageType type, PlaintextView payload) {
  using namespace ipc;        // NOLINT
  using namespace custody;    // NOLINT
  using namespace inference;  // NOLINT
  TryAll<ipc::Cancel, Credit, Failure, SetupFront, SetupCustodian, SetupKeeper, SetupRoom,
         SetupParse, SetupLoader, Loaded, Ready, StartKeeper, StartKeeperReply, StartRoom,
         StartRoomReply, StartParse, StartParseReply, AttachKeeper, AttachKeeperReply, Serving,
         Stop>(type, payload);
  TryAll<custody::Tenant, TicketRequest, TicketReply, OpenRequest, OpenReply, RenewRequest,
         RenewReply, CloseTicketRequest, CloseTicketReply, CreateObjectsRequest, CreateObjectsReply,
         EraseRequest, EraseReply, Revoke, Identity, Admission, KeyCreate, KeyCreateReply, KeyList,
         KeyListReply, KeyRevoke, KeyRevokeReply, TenantCreate, TenantCreateReply, TenantList,
         TenantListReply, ModelRegister, ModelRegisterReply, ModelList, ModelListReply,
         StatusRequest, StatusReply, custody::Init, InitReply>(type, payload);
  TryAll<TenantChange, TenantChangeReply, TenantRemove, TenantRemoveReply, PrincipalCreate,
         PrincipalCreateReply, PrincipalList, PrincipalListReply, PrincipalChange,
         PrincipalChangeReply, PrincipalRemove, PrincipalRemoveReply, GrantAdd, GrantAddReply,
         GrantList, GrantListReply, GrantRemove, GrantRemoveReply, FilterRequest, FilterReply>(
      type, payload);
  TryAll<Generate, GenerateStarted, GenerateText, GenerateDone, Embed, EmbedReply, CountTokens,
         CountTokensReply, net::HttpRequest, net::HttpHead, net::HttpBody, net::HttpEnd,
         retrieval::ParseDocument, retrieval::ParsedDocument>(type, payload);
}

void ReceivePacket(ByteView packet) {
  Result<std::pair<UniqueFd, UniqueFd>> ends = ipc::Channel::MakePair();
  if (!ends || ::send(ends->second.get(), packet.data(), packet.size(), 0) < 0) {
    return;
  }
  ipc::Channel keeper(std::move(ends->first), ipc::ProcessKind::kKeeper,
                      ipc::ProcessKind::kCustodian);
  if (Result<std::optional<ipc::Frame>> frame = keeper.TryReceive(); frame && *frame) {
    DecodePayload((*frame)->type, (*frame)->payload);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  if (input.empty()) {
    return 0;
  }
  if ((data[0] & 1U) == 0) {
    ReceivePacket(input.subspan(1));
  } else if (input.size() >= 3) {
    DecodePayload(static_cast<ipc::MessageType>(GetU16(input, 1)),
                  PlaintextView::Of(input.subspan(3)));
  }
  return 0;
}
