#pragma once

#include <chrono>
#include <memory>

#include "net/backend.h"
#include "net/receipt_checker.h"

namespace casemate::net {

enum class ReceiptMode : unsigned char {
  // Every answer goes out and says in `x-casemate-verified` what is known: "true", "false", or
  // "pending" for a stream, which has no receipt before its end (the log has the outcome later).
  kMark,
  // As kMark, but no answer ends well unless it is verified: a stream's last event is held back and
  // the connection cut when it is not; a whole answer is held back and becomes an error (502).
  kRequire,
  // Nothing of an answer goes out before it is verified.
  kBuffer,
};

struct ReceiptOptions {
  ReceiptMode mode = ReceiptMode::kMark;
  std::chrono::milliseconds mark_patience = std::chrono::seconds(3);  // kMark: then "pending"
  std::chrono::milliseconds patience = std::chrono::seconds(30);      // else: then a failure
  std::size_t max_held_bytes = std::size_t{64} << 20;                 // of one answer
};

// Answers as `inner` does, verified by their receipts. Without a checker (no key of the log was
// given) every answer is marked "false". Threads: as Backend.
class ReceiptBackend : public Backend {
 public:
  ReceiptBackend(std::shared_ptr<Backend> inner, std::shared_ptr<ReceiptChecker> checker,
                 const ReceiptOptions& options)
      : inner_(std::move(inner)), checker_(std::move(checker)), options_(options) {}

  [[nodiscard]] Result<std::unique_ptr<Answer>> Open(const TenantId& tenant,
                                                     const HttpRequest& request) override;

 private:
  std::shared_ptr<Backend> inner_;
  std::shared_ptr<ReceiptChecker> checker_;
  ReceiptOptions options_;
};

}  // namespace casemate::net
