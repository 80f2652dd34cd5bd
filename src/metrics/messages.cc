#include "metrics/messages.h"

#include "base/log.h"

namespace casemate::metrics {

Bytes EncodeOwn() {
  const Plaintext encoded = ipc::Encode(Read());
  const ByteView bytes = encoded.view().RevealBytes();
  if (bytes.size() > kMaxSnapshotBytes) {
    Log(LogLevel::kWarning, "metrics over their limit", {{"bytes", bytes.size()}});
    return {};
  }
  return Bytes(bytes.begin(), bytes.end());
}

void AnswerSupervisor(ipc::Incoming incoming) {
  if (incoming.type() != Collect::kType) {
    incoming.Fail(Error{ErrorCode::kInvalidArgument, "not for this process", {}, {}});
    return;
  }
  incoming.Reply(Collected{.snapshot = EncodeOwn()});
}

}  // namespace casemate::metrics
