#include <utility>

#include "base/log_settings.h"
#include "custody/server/custody_server_state.h"
#include "metrics/messages.h"

// The front's channel, and what the supervisor asks of a custodian that serves.
namespace casemate::custody {
namespace {

// A front that does not answer within it is ill; what was changed holds all the same.
constexpr std::chrono::milliseconds kFrontPatience{2000};

}  // namespace

void CustodyServer::State::PushAdmission() {
  std::shared_ptr<Connection> to;
  {
    const std::lock_guard lock(mutex);
    to = front;
  }
  if (to) {
    to->Tell<AdmissionReply>(custodian->FrontAdmission(), kFrontPatience);
  }
}

void CustodyServer::State::PushIdentity() {
  std::shared_ptr<Connection> to;
  {
    const std::lock_guard lock(mutex);
    to = front;
  }
  if (Result<Identity> identity = custodian->FrontIdentity(); identity && to) {
    to->Notify(*identity);
  }
}

Result<void> CustodyServer::State::AttachFront(ipc::Channel channel) {
  Result<Identity> identity = custodian->FrontIdentity();
  if (!identity) {
    return std::unexpected(identity.error());
  }
  auto connection = std::make_shared<Connection>();
  std::weak_ptr<Connection> weak = connection;
  ipc::Peer::Handlers handlers;
  handlers.request = [](ipc::Incoming incoming) {
    incoming.Fail({ErrorCode::kPermissionDenied, "the front asks nothing here", {}, {}});
  };
  handlers.notice = [](const ipc::Frame&) {};
  handlers.closed = [weak](const Error&) {
    if (const auto alive = weak.lock()) {
      alive->gone = true;
    }
  };
  ipc::PeerOptions options;
  options.workers = 1;
  connection->peer = ipc::Peer::Start(std::move(channel), std::move(handlers), options);
  if (Result<void> sent = connection->peer->Notify(*identity); !sent) {
    return sent;
  }
  std::shared_ptr<Connection> before;
  {
    const std::lock_guard lock(mutex);
    before = std::exchange(front, connection);
  }
  if (before) {
    before->End();  // of a front that has died
  }
  connection->Notify(custodian->FrontAdmission());  // it may not have begun to answer
  return {};
}

void CustodyServer::State::ServeSupervisor(ipc::Incoming incoming) {
  if (incoming.type() == ipc::MessageType::kCollect) {
    metrics::AnswerSupervisor(std::move(incoming));
    return;
  }
  if (incoming.fds().size() != 1) {
    incoming.Fail({ErrorCode::kInvalidArgument, "expected a channel", {}, {}});
    return;
  }
  UniqueFd channel = std::move(incoming.fds().front());
  if (incoming.type() == ipc::MessageType::kAttachFront) {
    Answer<ipc::AttachFront>(
        incoming, [&](const ipc::AttachFront&) -> Result<ipc::AttachFrontReply> {
          Result<void> attached = AttachFront(ipc::Channel(
              std::move(channel), ipc::ProcessKind::kCustodian, ipc::ProcessKind::kFront));
          return attached ? Result<ipc::AttachFrontReply>(ipc::AttachFrontReply{})
                          : std::unexpected(attached.error());
        });
    return;
  }
  if (incoming.type() != ipc::MessageType::kAttachKeeper) {
    incoming.Fail({ErrorCode::kInvalidArgument, "no request of a supervisor here", {}, {}});
    return;
  }
  Answer<ipc::AttachKeeper>(
      incoming, [&](const ipc::AttachKeeper& request) -> Result<ipc::AttachKeeperReply> {
        Result<void> attached = AttachKeeper(request.tenant, std::move(channel));
        return attached ? Result<ipc::AttachKeeperReply>(ipc::AttachKeeperReply{})
                        : std::unexpected(attached.error());
      });
}

namespace {

metrics::Gauge log_size("casemate_log_size", "Durable entries of the audit log");
metrics::Gauge log_checkpoint("casemate_log_checkpoint_size",
                              "Entries under the last signed checkpoint");
metrics::Gauge tickets_open("casemate_tickets_open", "Tickets that are open now");
metrics::Counter keys_released("casemate_keys_released_total",
                               "Purpose keys lent to keepers: objects opened");
metrics::Gauge epochs("casemate_epochs", "Epochs of all tenants' key trees, added up");
metrics::Gauge objects("casemate_objects", "Objects in all tenants' key trees");
metrics::Gauge tenants("casemate_tenants", "Tenants");

}  // namespace

// What the custodian knows anyway is read when somebody asks for it.
void CustodyServer::State::ReadNumbers() {
  const StatusReply status = custodian->Status();
  log_size.Set(static_cast<double>(status.log_size));
  log_checkpoint.Set(static_cast<double>(status.log_checkpoint));
  tickets_open.Set(desk->open_tickets());
  const std::uint64_t released = desk->opened_keys();
  keys_released.Add({}, released - std::exchange(keys_counted, released));
  double all_epochs = 0;
  double all_objects = 0;
  for (const TenantEntry& tenant : status.tenants) {
    all_epochs += static_cast<double>(tenant.epoch);
    all_objects += static_cast<double>(tenant.objects);
  }
  epochs.Set(all_epochs);
  objects.Set(all_objects);
  tenants.Set(static_cast<double>(status.tenants.size()));
}

// On the reader thread: what takes long is the housekeeper's.
void CustodyServer::State::TakeSettings(const ipc::Frame& frame) {
  Result<ipc::Settings> read = ipc::Decode<ipc::Settings>(frame.payload);
  if (!read) {
    LogError("settings not understood", read.error());
    return;
  }
  SetLogLevel(read->log_level);
  SetLogFormat(read->log_json ? LogFormat::kJson : LogFormat::kText);
  desk->SetLease(std::chrono::milliseconds(read->lease_ms));
  const std::lock_guard lock(mutex);
  settings = std::move(*read);
}

// Once a second: for other names, or because it ends soon. Where that fails the old one serves on.
void CustodyServer::State::RenewCertificate() {
  std::optional<ipc::Settings> wanted;
  {
    const std::lock_guard lock(mutex);
    wanted = std::exchange(settings, std::nullopt);
  }
  if (custodian->RenewCertificate(wanted ? &*wanted : nullptr)) {
    PushIdentity();
  }
}

}  // namespace casemate::custody
