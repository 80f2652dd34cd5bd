#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audit/verify/receipt.h"
#include "net/backend.h"

namespace casemate::net {

// One answer that was given, and what its receipt has to say about it.
struct GivenAnswer {
  audit::ReceiptId receipt;
  std::string method;
  std::string path;  // decoded
  std::uint16_t status = 0;
  bool streamed = false;
  audit::Digest request{};
  audit::Digest answer{};
};

// Gets receipts from the gateway and verifies them against the log's keys, which were pinned.
// Threads: all members may run at the same time.
class ReceiptChecker {
 public:
  // `gateway` answers GET /v1/receipts/{id}; `tls_group` says over which group answers came.
  ReceiptChecker(std::shared_ptr<Backend> gateway, std::vector<audit::VerifierKey> log_keys,
                 std::function<std::string()> tls_group);
  ~ReceiptChecker();  // Stop
  ReceiptChecker(const ReceiptChecker&) = delete;
  ReceiptChecker& operator=(const ReceiptChecker&) = delete;

  // Waits for the receipt, at most `patience`, or until `given_up` is set. Errors:
  // kIntegrityFailure: it says something else, or there is none (any more); kDeadlineExceeded: it
  // is not there yet; kCancelled: given up, or the checker ends.
  [[nodiscard]] Result<void> Check(const GivenAnswer& given, std::chrono::milliseconds patience,
                                   const std::atomic<bool>& given_up);
  // The same later, on a thread of its own; the outcome goes to the log.
  void CheckLater(GivenAnswer given);
  // What waits is given up, now and from now on.
  void Stop();

 private:
  // 200's body; nullopt: not yet. Errors: as Check.
  [[nodiscard]] Result<std::optional<Plaintext>> Fetch(const audit::ReceiptId& id);
  [[nodiscard]] Result<void> Compare(const GivenAnswer& given, PlaintextView text) const;
  void Run();

  const std::shared_ptr<Backend> gateway_;
  const std::vector<audit::VerifierKey> log_keys_;
  const std::function<std::string()> tls_group_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<GivenAnswer> later_;
  std::atomic<bool> ending_ = false;  // set under the mutex
  std::thread thread_;
};

}  // namespace casemate::net
