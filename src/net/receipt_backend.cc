#include "net/receipt_backend.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <optional>
#include <utility>

#include "base/log.h"
#include "net/error_envelope.h"
#include "net/receipt_stream.h"

namespace casemate::net {
namespace {

// In kMark a larger answer is not held back for the sake of its mark.
constexpr std::uint64_t kMaxMarkedBytes = std::uint64_t{8} << 20;

const std::string* Find(const HttpHead& head, std::string_view name) {
  const auto found = std::ranges::find(head.headers, name, &Header::name);
  return found == head.headers.end() ? nullptr : &found->value;
}

// Answers that come from no model and from no released document have no receipt: lists, models,
// uploads, deletions. Whatever is not known to be one of those needs one (docs/api.md).
bool MayLackReceipt(std::string_view path) {
  if (path.starts_with("/v1/files/")) {
    return path.find('/', std::string_view("/v1/files/").size()) == std::string_view::npos;
  }
  return path == "/v1/files" || path == "/v1/models" || path.starts_with("/v1/models/") ||
         path.starts_with("/v1/receipts/") || path.starts_with("/casemate/v1/collections") ||
         path == "/v1/vector_stores" ||
         (path.starts_with("/v1/vector_stores/") && !path.ends_with("/search"));
}

void Mark(HttpHead& head, std::string_view verified) {
  head.headers.push_back({"x-casemate-verified", std::string(verified)});
}

class ReceiptAnswer final : public Answer {
 public:
  ReceiptAnswer(std::unique_ptr<Answer> inner, std::shared_ptr<ReceiptChecker> checker,
                const ReceiptOptions& options, GivenAnswer given, Plaintext request)
      : inner_(std::move(inner)),
        checker_(std::move(checker)),
        options_(options),
        given_(std::move(given)),
        request_(std::move(request)) {}

  Result<AnswerPart> Next() override {
    while (queue_.empty()) {
      Result<AnswerPart> part = inner_->Next();
      if (!part) {
        return part;
      }
      Result<void> taken =
          std::visit([this](auto& value) { return Take(std::move(value)); }, *part);
      if (!taken) {
        return std::unexpected(taken.error());
      }
    }
    AnswerPart part = std::move(queue_.front());
    queue_.pop_front();
    return part;
  }
  void Cancel() override {
    given_up_ = true;
    inner_->Cancel();
  }

 private:
  // What comes from the gateway; what may go out is queued.
  Result<void> Take(HttpHead head) {
    const std::string* id = Find(head, "x-casemate-receipt");
    const std::string* salt = Find(head, "x-casemate-receipt-salt");
    const Result<audit::ReceiptId> receipt =
        id != nullptr ? audit::ReceiptId::Parse(*id) : Fail(ErrorCode::kNotFound, "no receipt");
    const Result<audit::ReceiptSalt> parsed =
        salt != nullptr ? audit::ParseReceiptSalt(*salt) : Fail(ErrorCode::kNotFound, "no salt");
    if (checker_ == nullptr || !receipt || !parsed) {
      request_.Clear();
      return TakeWithoutReceipt(std::move(head));
    }
    const std::string* type = Find(head, "content-type");
    const bool events = type != nullptr && type->starts_with("text/event-stream");
    given_.receipt = *receipt;
    given_.status = head.status;
    given_.streamed = events;
    given_.request = audit::RequestDigest(*parsed, request_.view().RevealBytes());
    request_.Clear();
    stream_.emplace(*parsed, *receipt, events);
    const std::uint64_t most =
        options_.mode == ReceiptMode::kMark ? kMaxMarkedBytes : options_.max_held_bytes;
    const bool holds = options_.mode == ReceiptMode::kBuffer ||
                       (head.has_length && head.length <= most) ||
                       (options_.mode == ReceiptMode::kRequire && !events);
    if (holds) {
      held_head_ = std::move(head);
    } else {
      Mark(head, "pending");
      queue_.emplace_back(std::move(head));
    }
    return {};
  }

  Result<void> TakeWithoutReceipt(HttpHead head) {
    const bool needs = head.status / 100 == 2 && !MayLackReceipt(given_.path);  // an error is none
    if (options_.mode != ReceiptMode::kMark && needs) {
      Refuse("it came without a receipt");
      return {};
    }
    Mark(head, "false");
    queue_.emplace_back(std::move(head));
    return {};
  }

  Result<void> Take(HttpBody body) {
    if (refused_) {
      return {};
    }
    if (!stream_) {
      queue_.emplace_back(std::move(body));
      return {};
    }
    Plaintext ready = stream_->Add(body.bytes);
    if (held_head_) {
      held_.Append(body.bytes);
      if (held_.size() > options_.max_held_bytes) {
        held_head_.reset();
        held_.Clear();
        Refuse("it has more than the " + std::to_string(options_.max_held_bytes) +
               " bytes that are held back for verification");
      }
    } else if (options_.mode != ReceiptMode::kRequire) {
      queue_.emplace_back(std::move(body));
    } else if (!ready.empty()) {
      QueueBody(ready);
    }
    return {};
  }

  Result<void> Take(HttpEnd end) {
    if (refused_) {
      return {};
    }
    if (!stream_) {
      queue_.emplace_back(end);
      return {};
    }
    if (held_head_) {
      EndHeld();
      return {};
    }
    const Result<void> whole = FinishDigest();
    if (options_.mode == ReceiptMode::kMark) {
      if (whole) {
        checker_->CheckLater(given_);
      } else {
        LogOutcome(whole);
      }
      queue_.emplace_back(end);
      return {};
    }
    const Plaintext rest = stream_->TakeRest();
    const Result<void> verified =
        whole ? checker_->Check(given_, options_.patience, given_up_) : whole;
    LogOutcome(verified);
    if (!verified) {
      // The head is out: what is left is to end without an end.
      return Wrap(verified.error(), "answer not verified");
    }
    QueueBody(rest);
    queue_.emplace_back(end);
    return {};
  }

  // Everything of the answer is here: verify, then give it out or not.
  void EndHeld() {
    const bool marks = options_.mode == ReceiptMode::kMark;
    const Result<void> whole = FinishDigest();
    const Result<void> verified =
        whole
            ? checker_->Check(given_, marks ? options_.mark_patience : options_.patience, given_up_)
            : whole;
    const bool late = !verified && verified.error().code == ErrorCode::kDeadlineExceeded;
    if (!verified && !marks) {
      LogOutcome(verified);
      held_.Clear();
      Refuse(verified.error().message);
      return;
    }
    if (late) {
      checker_->CheckLater(given_);
    } else {
      LogOutcome(verified);
    }
    Mark(*held_head_, verified ? "true" : late ? "pending" : "false");
    queue_.emplace_back(std::move(*held_head_));
    QueueBody(held_);
    held_.Clear();
    queue_.emplace_back(HttpEnd{});
  }

  Result<void> FinishDigest() {
    Result<audit::Digest> digest = stream_->Finish();
    if (!digest) {
      return std::unexpected(digest.error());
    }
    given_.answer = *digest;
    return {};
  }

  void QueueBody(PlaintextView bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += kMaxBodyPiece) {
      queue_.emplace_back(HttpBody{.bytes = Plaintext::Copy(bytes.Part(at, kMaxBodyPiece))});
    }
  }

  void LogOutcome(const Result<void>& verified) const {
    if (verified) {
      Log(LogLevel::kInfo, "answer verified", {{"receipt", given_.receipt.ToString()}});
    } else {
      LogError("answer NOT verified", verified.error(), {{"receipt", given_.receipt.ToString()}});
    }
  }

  // Nothing of the answer went out: an error goes out instead, and nothing more is read.
  void Refuse(const std::string& why) {
    refused_ = true;
    inner_->Cancel();
    const Error error{.code = ErrorCode::kIntegrityFailure,
                      .message = "the answer was not verified and is held back: " + why};
    Plaintext body = ErrorEnvelope(error, "answer_not_verified");
    HttpHead head{.status = 502,
                  .headers = {{"content-type", "application/json"}},
                  .has_length = true,
                  .length = body.size()};
    Mark(head, "false");
    queue_.emplace_back(std::move(head));
    queue_.emplace_back(HttpBody{.bytes = std::move(body)});
    queue_.emplace_back(HttpEnd{});
  }

  std::unique_ptr<Answer> inner_;
  std::shared_ptr<ReceiptChecker> checker_;
  const ReceiptOptions options_;
  GivenAnswer given_;
  Plaintext request_;                    // its body, until the salt is known
  std::optional<ReceiptStream> stream_;  // nullopt: nothing is verified
  std::optional<HttpHead> held_head_;    // nullopt: it went out
  Plaintext held_;                       // the body behind it
  bool refused_ = false;
  std::atomic<bool> given_up_ = false;  // by any thread
  std::deque<AnswerPart> queue_;
};

}  // namespace

Result<std::unique_ptr<Answer>> ReceiptBackend::Open(const TenantId& tenant,
                                                     const HttpRequest& request) {
  Result<std::unique_ptr<Answer>> inner = inner_->Open(tenant, request);
  if (!inner) {
    return inner;
  }
  return std::make_unique<ReceiptAnswer>(
      std::move(*inner), checker_, options_,
      GivenAnswer{.method = request.method, .path = request.path},
      checker_ != nullptr ? Plaintext::Copy(request.body) : Plaintext());
}

}  // namespace casemate::net
