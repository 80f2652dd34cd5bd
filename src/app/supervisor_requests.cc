#include <utility>

#include "app/supervisor.h"
#include "base/log.h"
#include "ipc/control.h"

// What children say to the supervisor.
namespace casemate::app {
namespace {

using ipc::ProcessKind;

constexpr std::size_t kDeadlineSize = 4;  // bytes before a request's fields; docs/formats/ipc.md
constexpr std::size_t kFramesPerTurn = 64;

std::unexpected<Error> Unexpected(const ipc::Frame& frame) {
  return Fail(ErrorCode::kIntegrityFailure,
              std::string(ipc::MessageTypeName(frame.type)) + " at the wrong time");
}

}  // namespace

void Supervisor::Drain(Child& child) {
  for (std::size_t i = 0; i < kFramesPerTurn && child.channel; ++i) {
    Result<std::optional<ipc::Frame>> frame = child.channel->TryReceive();
    if (frame && !*frame) {
      return;
    }
    Result<void> taken =
        frame ? Dispatch(child, std::move(**frame)) : std::unexpected(frame.error());
    if (taken) {
      continue;
    }
    if (taken.error().code != ErrorCode::kUnavailable) {
      LogError("child broke the protocol", taken.error(),
               {{"child", ipc::ProcessKindName(child.kind)}, {"pid", child.pid}});
      Kill(child);
    } else if (!child.kill_at) {
      // Closed: it is ending. One that closes and lives on serves nobody.
      child.kill_at = BootClock::now() + std::chrono::seconds(1);
    }
    child.channel.reset();
  }
}

Result<void> Supervisor::Dispatch(Child& child, ipc::Frame frame) {
  if (frame.type == ipc::MessageType::kCancel || frame.type == ipc::MessageType::kCredit) {
    return {};  // what we start goes on: the next request finds it
  }
  if (frame.request != 0) {
    // Ours are odd: an answer. Theirs are even.
    return frame.request % 2 == 1 ? OnAnswer(child, std::move(frame))
                                  : DispatchRequest(child, std::move(frame));
  }
  switch (frame.type) {
    case ipc::MessageType::kReady:
      OnReady(child);
      return {};
    case ipc::MessageType::kError: {
      Result<ipc::Failure> failure = ipc::Decode<ipc::Failure>(frame.payload);
      if (!failure) {
        return Unexpected(frame);
      }
      child.failure = std::move(*failure).ToError();
      LogError("child could not do its work", *child.failure,
               {{"child", ipc::ProcessKindName(child.kind)}});
      return {};
    }
    case ipc::MessageType::kLoaded: {
      Result<ipc::Loaded> loaded = ipc::Decode<ipc::Loaded>(frame.payload);
      if (!loaded) {
        return Unexpected(frame);
      }
      child.loaded_bytes = loaded->bytes;
      return {};
    }
    case ipc::MessageType::kServing: {
      Result<ipc::Serving> serving = ipc::Decode<ipc::Serving>(frame.payload);
      if (!serving || serving->address.size() > 256) {
        return Unexpected(frame);
      }
      served_ = true;
      Log(LogLevel::kInfo, "serving", {{"address", serving->address}});
      setup_.serving(serving->address);
      setup_.notify("READY=1\nSTATUS=serving on " + serving->address);
      return {};
    }
    case ipc::MessageType::kDrained:
      if (drain_by_) {
        Log(LogLevel::kInfo, "drained");
        BeginStop();
      }
      return {};
    default:
      return Unexpected(frame);
  }
}

Result<void> Supervisor::DispatchRequest(Child& child, ipc::Frame frame) {
  const Asker asker{child.id, frame.request};
  if (frame.payload.size() < kDeadlineSize) {
    return Unexpected(frame);
  }
  if (phase_ != Phase::kRunning) {
    Refuse(asker, Error{ErrorCode::kUnavailable, "the server is ending", {}, {}});
    return {};
  }
  const PlaintextView message = frame.payload.view().Part(kDeadlineSize);
  switch (frame.type) {
    case ipc::MessageType::kStartKeeper: {
      Result<ipc::StartKeeper> request = ipc::Decode<ipc::StartKeeper>(message);
      if (!request) {
        return Unexpected(frame);
      }
      StartKeeper(asker, request->tenant);
      return {};
    }
    case ipc::MessageType::kStartRoom: {
      Result<ipc::StartRoom> request = ipc::Decode<ipc::StartRoom>(message);
      if (!request) {
        return Unexpected(frame);
      }
      StartRoom(asker, *request);
      return {};
    }
    case ipc::MessageType::kStartParse:
      StartParse(asker);
      return {};
    case ipc::MessageType::kGather:
      Gather(asker);
      return {};
    case ipc::MessageType::kReload:
      ReloadConfig(asker);
      return {};
    default:
      return Unexpected(frame);
  }
}

Result<void> Supervisor::OnAnswer(Child& child, ipc::Frame frame) {
  if (attachments_.contains(frame.request)) {
    return OnAttached(frame);
  }
  if (frame.type == ipc::MessageType::kCollected || frame.type == ipc::MessageType::kError) {
    return OnCollected(child, frame);
  }
  return frame.type == ipc::MessageType::kAttachFrontReply ? Result<void>() : Unexpected(frame);
}

void Supervisor::OnReady(Child& child) {
  if (child.kind == ProcessKind::kCustodian && child.locked && child.ready) {
    child.locked = false;  // the second one: unlocked and serving
    return;
  }
  child.ready = true;
  if (child.kind == ProcessKind::kCustodian && child.locked) {
    Log(LogLevel::kWarning, "locked: waiting for the passphrase",
        {{"remedy", "casemate unlock --dir " + setup_.deployment.string()}});
    setup_.notify("READY=1\nSTATUS=locked: casemate unlock --dir " + setup_.deployment.string());
  }
  if (!child.starter) {
    return;
  }
  const Asker asker = *std::exchange(child.starter, std::nullopt);
  switch (child.kind) {
    case ProcessKind::kKeeper:
      return Answer(asker, ipc::StartKeeperReply{}, std::move(child.starter_end));
    case ProcessKind::kRoom:
      return Answer(asker, ipc::StartRoomReply{}, std::move(child.starter_end));
    case ProcessKind::kParse:
      return Answer(asker, ipc::StartParseReply{}, std::move(child.starter_end));
    default:
      return;
  }
}

}  // namespace casemate::app
