#include "net/receipt_checker.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace casemate::net {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxWaiting = 1024;  // answers whose receipts are still to be looked at
constexpr std::chrono::seconds kPatience(60);
constexpr std::chrono::milliseconds kFirstPause(10);
constexpr std::chrono::milliseconds kLongestPause(500);

std::unexpected<Error> NotVerified(const std::string& why) {
  return Fail(ErrorCode::kIntegrityFailure, why);
}

// Paths in receipts are visible ASCII; other bytes as %XX.
std::string ReceiptPath(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

}  // namespace

ReceiptChecker::ReceiptChecker(std::shared_ptr<Backend> gateway,
                               std::vector<audit::VerifierKey> log_keys,
                               std::function<std::string()> tls_group)
    : gateway_(std::move(gateway)),
      log_keys_(std::move(log_keys)),
      tls_group_(std::move(tls_group)),
      thread_([this] { Run(); }) {}

ReceiptChecker::~ReceiptChecker() {
  Stop();
  thread_.join();
}

void ReceiptChecker::Stop() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
}

Result<void> ReceiptChecker::Check(const GivenAnswer& given, std::chrono::milliseconds patience,
                                   const std::atomic<bool>& given_up) {
  const Clock::time_point until = Clock::now() + patience;
  std::chrono::milliseconds pause = kFirstPause;
  while (true) {
    Result<std::optional<Plaintext>> text = Fetch(given.receipt);
    if (!text && text.error().code != ErrorCode::kUnavailable) {
      return std::unexpected(text.error());
    }
    if (text && *text) {
      return Compare(given, **text);
    }
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, pause, [this] { return ending_.load(); }) || given_up) {
      return Fail(ErrorCode::kCancelled, "nobody waits for its receipt any more");
    }
    if (Clock::now() >= until) {
      return Fail(ErrorCode::kDeadlineExceeded,
                  text ? "its receipt is not there yet" : text.error().message);
    }
    pause = std::min(pause * 2, kLongestPause);
  }
}

Result<std::optional<Plaintext>> ReceiptChecker::Fetch(const audit::ReceiptId& id) {
  HttpRequest request;
  request.method = "GET";
  request.path = "/v1/receipts/" + id.ToString();
  Result<std::unique_ptr<Answer>> answer = gateway_->Open({}, request);
  if (!answer) {
    return std::unexpected(answer.error());
  }
  std::uint16_t status = 0;
  Plaintext body;
  while (true) {
    Result<AnswerPart> part = (*answer)->Next();
    if (!part) {
      return std::unexpected(part.error());
    }
    if (const auto* head = std::get_if<HttpHead>(&*part)) {
      status = head->status;
    } else if (const auto* piece = std::get_if<HttpBody>(&*part)) {
      body.Append(piece->bytes);
      if (body.size() > audit::kMaxReceiptBytes) {
        return NotVerified("its receipt is over " + std::to_string(audit::kMaxReceiptBytes) +
                           " bytes");
      }
    } else {
      break;
    }
  }
  if (status == 200) {
    return body;
  }
  if (status == 202) {
    return std::optional<Plaintext>();
  }
  if (status >= 500) {
    return Fail(ErrorCode::kUnavailable,
                "asked for its receipt, the gateway answered " + std::to_string(status));
  }
  return NotVerified("asked for its receipt, the gateway answered " + std::to_string(status));
}

Result<void> ReceiptChecker::Compare(const GivenAnswer& given, PlaintextView text) const {
  // A receipt carries digests and counts only: it is public to whoever may read the log.
  Result<audit::Receipt> receipt = audit::VerifyReceipt(text.Reveal(), log_keys_);
  if (!receipt) {
    return std::unexpected(receipt.error());
  }
  if (receipt->id() != given.receipt) {
    return NotVerified("the gateway gave the receipt of another answer");
  }
  const audit::ClientBlock& client = receipt->client;
  if (client.method != given.method || client.path != ReceiptPath(given.path) ||
      client.status != given.status || client.streamed != given.streamed) {
    return NotVerified("its receipt is about " + client.method + " " + client.path + ", status " +
                       std::to_string(client.status) + ", and not about this answer");
  }
  if (const std::string group = tls_group_(); client.tls != group) {
    return NotVerified("its receipt says that it went over " + client.tls + ", but it came over " +
                       group + ": somebody stands between");
  }
  return audit::VerifyExchange(*receipt, given.request, given.answer);
}

void ReceiptChecker::CheckLater(GivenAnswer given) {
  const std::lock_guard lock(mutex_);
  if (later_.size() >= kMaxWaiting) {
    Log(LogLevel::kWarning, "answer not verified: too many wait for their receipts",
        {{"receipt", given.receipt.ToString()}});
    return;
  }
  later_.push_back(std::move(given));
  changed_.notify_all();
}

void ReceiptChecker::Run() {
  while (true) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ending_.load() || !later_.empty(); });
    if (ending_) {
      return;
    }
    const GivenAnswer given = std::move(later_.front());
    later_.pop_front();
    lock.unlock();
    if (const Result<void> verified = Check(given, kPatience, ending_); verified) {
      Log(LogLevel::kInfo, "answer verified", {{"receipt", given.receipt.ToString()}});
    } else {
      LogError("answer NOT verified", verified.error(), {{"receipt", given.receipt.ToString()}});
    }
  }
}

}  // namespace casemate::net
