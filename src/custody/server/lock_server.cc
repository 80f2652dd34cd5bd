#include "custody/server/lock_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "base/log_settings.h"
#include "custody/messages.h"
#include "ipc/control.h"
#include "metrics/messages.h"

namespace casemate::custody {
namespace {

constexpr std::size_t kDeadlineSize = 4;  // bytes before a request's fields; docs/formats/ipc.md
constexpr std::size_t kMaxSecret = 1024;  // bytes
constexpr int kSendMs = 1000;

const Error kLocked{
    ErrorCode::kUnavailable, "the server is locked: run 'casemate unlock --dir D' first", {}, {}};

void Reply(ipc::Channel& channel, std::uint64_t request, ipc::MessageType type, Plaintext payload) {
  (void)channel.Send(
      ipc::Frame{
          .type = type, .request = request, .payload = std::move(payload), .fds = {}, .last = true},
      kSendMs);
}

void Refuse(ipc::Channel& channel, std::uint64_t request, const Error& error) {
  Reply(channel, request, ipc::Failure::kType, ipc::Encode(ipc::Failure::Of(error)));
}

}  // namespace

bool MayOperate(int socket) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 &&
         (credentials.uid == ::geteuid() || credentials.uid == 0);
}

LockServer::LockServer(ipc::SetupCustodian setup, ipc::Channel front, UniqueFd control, Open open)
    : setup_(std::move(setup)),
      front_(std::move(front)),
      control_(std::move(control)),
      open_(std::move(open)) {}

void LockServer::TellFront() {
  // A front that has died is replaced, and the new one told.
  (void)front_.Send(ipc::Frame{.type = LockState::kType, .payload = {}, .fds = {}}, kSendMs);
}

Result<bool> LockServer::Wait(ipc::Channel& supervisor) {
  TellFront();
  while (!token_) {
    std::vector<pollfd> polled = {{supervisor.fd(), POLLIN, 0}, {control_.get(), POLLIN, 0}};
    for (const ipc::Channel& channel : operators_) {
      polled.push_back({channel.fd(), POLLIN, 0});
    }
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
      return FailErrno("poll");
    }
    if (polled[0].revents != 0 && !ServeSupervisor(supervisor)) {
      return false;
    }
    for (std::size_t i = operators_.size(); i-- > 0 && !token_;) {
      if (polled[i + 2].revents != 0 && !ServeOperator(operators_[i])) {
        operators_.erase(operators_.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    if (polled[1].revents != 0) {
      Accept();
    }
  }
  operators_.clear();
  Log(LogLevel::kInfo, "unlocked");
  return true;
}

void LockServer::Accept() {
  UniqueFd socket(::accept4(control_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket.valid()) {
    return;
  }
  if (!MayOperate(socket.get()) || operators_.size() >= kMaxOperators) {
    Log(LogLevel::kWarning, "a control connection was refused", {{"open", operators_.size()}});
    return;
  }
  operators_.emplace_back(std::move(socket), ipc::ProcessKind::kCustodian,
                          ipc::ProcessKind::kOperator);
}

bool LockServer::ServeOperator(ipc::Channel& channel) {
  Result<std::optional<ipc::Frame>> frame = channel.TryReceive();
  if (!frame) {
    return false;
  }
  if (!*frame || (*frame)->request == 0 || (*frame)->type == ipc::MessageType::kCancel ||
      (*frame)->type == ipc::MessageType::kCredit) {
    return true;
  }
  if ((*frame)->type != Unlock::kType) {
    Refuse(channel, (*frame)->request, kLocked);
    return true;
  }
  if (Result<void> tried = Try(**frame); !tried) {
    Refuse(channel, (*frame)->request, tried.error());
  } else {
    Reply(channel, (*frame)->request, UnlockReply::kType, ipc::Encode(UnlockReply{}));
  }
  return true;
}

Result<void> LockServer::Try(const ipc::Frame& frame) {
  const Clock::time_point now = Clock::now();
  if (now < next_try_) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(next_try_ - now);
    return Fail(ErrorCode::kRateLimited, "after a wrong passphrase the next one is looked at in " +
                                             std::to_string(left.count()) + " s");
  }
  if (frame.payload.size() < kDeadlineSize) {
    return Fail(ErrorCode::kInvalidArgument, "no passphrase");
  }
  Result<Unlock> unlock = ipc::Decode<Unlock>(frame.payload.view().Part(kDeadlineSize));
  if (!unlock || unlock->secret.empty() || unlock->secret.size() > kMaxSecret) {
    return Fail(ErrorCode::kInvalidArgument, "expected a passphrase of 1 to 1024 bytes");
  }
  Result<SecretBuffer> secret = SecretBuffer::TakeFrom(unlock->secret.mutable_bytes());
  Result<ReadyToken> token =
      secret ? open_(setup_, std::move(*secret)) : std::unexpected(secret.error());
  if (!token) {
    if (token.error().code == ErrorCode::kUnauthenticated) {
      next_try_ = Clock::now() + delay_;
      delay_ = std::min(delay_ * 2, kMaxDelay);
    }
    Log(LogLevel::kWarning, "unlock refused", {{"code", token.error().code}});
    return std::unexpected(token.error());
  }
  token_ = std::move(*token);
  return {};
}

bool LockServer::ServeSupervisor(ipc::Channel& supervisor) {
  Result<std::optional<ipc::Frame>> received = supervisor.TryReceive();
  if (!received) {
    return false;
  }
  if (!*received) {
    return true;
  }
  ipc::Frame& frame = **received;
  switch (frame.type) {
    case ipc::MessageType::kStop:
      return false;
    case ipc::MessageType::kSettings:
      if (Result<ipc::Settings> settings = ipc::Decode<ipc::Settings>(frame.payload)) {
        SetLogLevel(settings->log_level);
        SetLogFormat(settings->log_json ? LogFormat::kJson : LogFormat::kText);
        setup_.lease_ms = settings->lease_ms;
      }
      return true;
    case ipc::MessageType::kAttachFront:
      if (frame.fds.size() == 1) {
        front_ = ipc::Channel(std::move(frame.fds[0]), ipc::ProcessKind::kCustodian,
                              ipc::ProcessKind::kFront);
        TellFront();
        Reply(supervisor, frame.request, ipc::AttachFrontReply::kType, {});
      }
      return true;
    case ipc::MessageType::kCollect:
      Reply(supervisor, frame.request, metrics::Collected::kType,
            ipc::Encode(metrics::Collected{.snapshot = metrics::EncodeOwn()}));
      return true;
    default:
      if (frame.request != 0 && frame.type != ipc::MessageType::kCancel &&
          frame.type != ipc::MessageType::kCredit) {
        Refuse(supervisor, frame.request, kLocked);
      }
      return true;
  }
}

}  // namespace casemate::custody
