#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "custody/server/custody_server_state.h"
#include "custody/server/lock_server.h"

// The operator's control socket: who is let in, and what each request does.
namespace casemate::custody {
namespace {

constexpr std::size_t kMaxOperators = 16;  // control connections at the same time

}  // namespace

void CustodyServer::State::ServeOperator(ipc::Incoming incoming) {
  switch (incoming.type()) {
    case ipc::MessageType::kKeyCreate:
      return Answer<KeyCreate>(incoming, [&](const KeyCreate& request) {
        Result<KeyCreateReply> reply = custodian->CreateKey(request);
        if (reply) {
          PushAdmission();
        }
        return reply;
      });
    case ipc::MessageType::kKeyRevoke:
      return Answer<KeyRevoke>(incoming, [&](const KeyRevoke& request) -> Result<KeyRevokeReply> {
        Result<std::uint64_t> logged = custodian->RevokeKey(request.id);
        if (!logged) {
          return std::unexpected(logged.error());
        }
        KeyRevokeReply reply;
        reply.tickets_ended = desk->EndTicketsOf(request.id);
        reply.log_index = *logged;
        PushAdmission();
        return reply;
      });
    case ipc::MessageType::kKeyList:
      return Answer<KeyList>(
          incoming, [&](const KeyList&) -> Result<KeyListReply> { return custodian->ListKeys(); });
    case ipc::MessageType::kModelRegister:
      return Answer<ModelRegister>(incoming, [&](const ModelRegister& request) {
        Result<ModelRegisterReply> reply = custodian->RegisterModel(request);
        if (reply) {
          PushTenants();
        }
        return reply;
      });
    case ipc::MessageType::kModelList:
      return Answer<ModelList>(incoming, [&](const ModelList&) -> Result<ModelListReply> {
        return custodian->ListModels();
      });
    case ipc::MessageType::kStatus:
      return Answer<StatusRequest>(incoming, [&](const StatusRequest&) -> Result<StatusReply> {
        StatusReply reply = custodian->Status();
        reply.open_tickets = desk->open_tickets();
        reply.opened_keys = desk->opened_keys();
        return reply;
      });
    case ipc::MessageType::kUnlock:
      incoming.Fail({ErrorCode::kConflict, "nothing is locked: the server serves", {}, {}});
      return;
    default:
      if (ServeTenants(incoming)) {
        return;
      }
      incoming.Fail({ErrorCode::kInvalidArgument, "no request of an operator here", {}, {}});
  }
}

void CustodyServer::State::AttachOperator(ipc::Channel channel) {
  auto connection = std::make_shared<Connection>();
  connection->is_operator = true;
  std::weak_ptr<Connection> weak = connection;
  ipc::Peer::Handlers handlers;
  handlers.request = [this](ipc::Incoming incoming) { ServeOperator(std::move(incoming)); };
  handlers.notice = [](const ipc::Frame&) {};
  handlers.closed = [this, weak](const Error&) {
    if (const auto alive = weak.lock()) {
      alive->gone = true;
      changed.notify_all();
    }
  };
  ipc::PeerOptions options;
  options.workers = 1;
  auto peer = ipc::Peer::Start(std::move(channel), std::move(handlers), options);
  const std::lock_guard lock(mutex);
  connection->peer = std::move(peer);
  connections.push_back(std::move(connection));
}

void CustodyServer::State::RunAcceptor() {
  for (;;) {
    std::array<pollfd, 2> polled = {{{control.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
      return;
    }
    if (polled[1].revents != 0) {
      return;
    }
    if ((polled[0].revents & POLLIN) == 0) {
      if (polled[0].revents != 0) {
        return;  // the socket is gone
      }
      continue;
    }
    UniqueFd socket(::accept4(control.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.valid()) {
      continue;
    }
    std::size_t operators = 0;
    {
      const std::lock_guard lock(mutex);
      for (const auto& connection : connections) {
        operators += connection->is_operator && !connection->gone ? 1 : 0;
      }
    }
    if (!MayOperate(socket.get()) || operators >= kMaxOperators) {
      Log(LogLevel::kWarning, "a control connection was refused", {{"open", operators}});
      continue;
    }
    AttachOperator(
        ipc::Channel(std::move(socket), ipc::ProcessKind::kCustodian, ipc::ProcessKind::kOperator));
  }
}

}  // namespace casemate::custody
