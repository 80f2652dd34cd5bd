#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "ipc/matrix.h"
#include "ipc/peer.h"
#include "metrics/metrics.h"

// How the numbers of all processes come to the front: it asks the supervisor, which asks every
// child and answers after a second at the latest with what came. The supervisor passes on what it
// does not read.
namespace casemate::metrics {

// Supervisor -> child.
struct Collect {
  static constexpr ipc::MessageType kType = ipc::MessageType::kCollect;
  static void Fields(auto&, auto&) {}
};
struct Collected {
  static constexpr ipc::MessageType kType = ipc::MessageType::kCollected;
  Bytes snapshot;  // an encoded Snapshot
  static void Fields(auto& m, auto& v) { v(m.snapshot); }
};

// Front -> supervisor.
struct Gather {
  static constexpr ipc::MessageType kType = ipc::MessageType::kGather;
  static void Fields(auto&, auto&) {}
};
struct Report {
  std::uint64_t process = 0;  // unlike that of any other process since the supervisor's start
  Bytes snapshot;
  static void Fields(auto& m, auto& v) {
    v(m.process);
    v(m.snapshot);
  }
};
struct Gathered {
  static constexpr ipc::MessageType kType = ipc::MessageType::kGathered;
  std::vector<Report> reports;
  std::uint32_t missing = 0;  // processes that did not answer in time
  static void Fields(auto& m, auto& v) {
    v(m.reports);
    v(m.missing);
  }
};

inline constexpr std::size_t kMaxSnapshotBytes = std::size_t{256} * 1024;
inline constexpr std::size_t kMaxReports = 4096;

// This process's numbers, encoded; empty when they are over kMaxSnapshotBytes.
Bytes EncodeOwn();

// A child's handler of the supervisor's requests: answers Collect, refuses anything else.
void AnswerSupervisor(ipc::Incoming incoming);

}  // namespace casemate::metrics
