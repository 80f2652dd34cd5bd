#include "app/keeper_parser.h"

#include <chrono>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "ipc/channel.h"
#include "ipc/supervision.h"
#include "metrics/metrics.h"
#include "retrieval/messages.h"

namespace casemate::app {
namespace {

constexpr auto kStartTimeout = std::chrono::seconds(20);
// Over the processor time that the supervisor gives a parser, so that its limit is what is named.
constexpr auto kParseTimeout = std::chrono::seconds(120);
// As many as the supervisor gives a keeper. One that has answered counts until it is reaped.
constexpr std::ptrdiff_t kParsers = 4;
constexpr int kStartAttempts = 100;
constexpr auto kStartAgainAfter = std::chrono::milliseconds(20);

metrics::Counter parses("casemate_documents_parsed_total",
                        "Documents that were parsed, and why others were not", {"outcome"});

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
  for (int i = 0;
       i < kStartAttempts && !started && started.error().code == ErrorCode::kResourceExhausted;
       ++i) {
    std::this_thread::sleep_for(kStartAgainAfter);
    started = supervisor.Call<ipc::StartParseReply>(ipc::StartParse{}, kStartTimeout, {}, &fds);
  }
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
  if (!parsed && parsed.error().code == ErrorCode::kDeadlineExceeded) {
    return Fail(ErrorCode::kTooLarge,
                "took more than " + std::to_string(kParseTimeout.count()) +
                    " s to be read: split it, or convert it to a simpler format");
  }
  // A parser that is gone met a fault: of this document, so not worth a retry.
  if (!parsed && parsed.error().code == ErrorCode::kUnavailable) {
    return Fail(ErrorCode::kInvalidArgument,
                "broken: its parser ended over it; save it again or convert it to another format",
                parsed.error().message);
  }
  return parsed;
}

}  // namespace

retrieval::Parser SupervisorParser(ipc::Peer& supervisor) {
  const auto free = std::make_shared<std::counting_semaphore<kParsers>>(kParsers);
  return [&supervisor, free](const retrieval::ParseDocument& document) {
    free->acquire();
    Result<retrieval::ParsedDocument> parsed = ParseOne(supervisor, document);
    free->release();
    parses.Add({parsed ? metrics::LabelValue("ok")
                       : metrics::LabelValue::FromCode(ErrorCodeName(parsed.error().code))});
    return parsed;
  };
}

}  // namespace casemate::app
