#include "app/keeper_parser.h"

#include <chrono>
#include <memory>
#include <vector>

#include "ipc/channel.h"
#include "ipc/supervision.h"
#include "retrieval/messages.h"

namespace casemate::app {
namespace {

constexpr auto kStartTimeout = std::chrono::seconds(20);
// Over the processor time that the supervisor gives a parser, so that its limit is what is named.
constexpr auto kParseTimeout = std::chrono::seconds(120);

ipc::Peer::Handlers AnswersNothing() {
  ipc::Peer::Handlers handlers;
  handlers.request = [](ipc::Incoming) {};  // a parser asks nothing; dropping it refuses it
  handlers.notice = [](ipc::Frame) {};
  handlers.closed = [](const Error&) {};
  return handlers;
}

Result<retrieval::ParsedDocument> ParseOne(ipc::Peer& supervisor,
                                           const retrieval::ParseDocument& document) {
  std::vector<UniqueFd> fds;
  Result<ipc::StartParseReply> started =
      supervisor.Call<ipc::StartParseReply>(ipc::StartParse{}, kStartTimeout, {}, &fds);
  if (!started) {
    return Wrap(started.error(), "a parser cannot start");
  }
  if (fds.size() != 1) {
    return Fail(ErrorCode::kIntegrityFailure, "the supervisor sent no channel to a parser");
  }
  const std::unique_ptr<ipc::Peer> parser = ipc::Peer::Start(
      ipc::Channel(std::move(fds[0]), ipc::ProcessKind::kKeeper, ipc::ProcessKind::kParse),
      AnswersNothing(), {.workers = 1, .max_queued = 1});
  Result<retrieval::ParsedDocument> parsed =
      parser->Call<retrieval::ParsedDocument>(document, kParseTimeout);
  // A parser that is gone met its limits or a fault: of this document, so not worth a retry.
  if (!parsed && parsed.error().code == ErrorCode::kUnavailable) {
    return Fail(ErrorCode::kInvalidArgument,
                "the document cannot be read: its parser ended over it (time, memory or a fault)",
                parsed.error().message);
  }
  return parsed;
}

}  // namespace

retrieval::Parser SupervisorParser(ipc::Peer& supervisor) {
  return [&supervisor](const retrieval::ParseDocument& document) {
    return ParseOne(supervisor, document);
  };
}

}  // namespace casemate::app
