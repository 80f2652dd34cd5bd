#include "net/hops_backend.h"

#include <algorithm>

#include "base/clock.h"
#include "net/hop_json.h"
#include "net/tls_policy.h"

namespace casemate::net {
namespace {

class PageAnswer : public Answer {
 public:
  explicit PageAnswer(Plaintext page) : page_(std::move(page)) {}
  Result<AnswerPart> Next() override {
    if (!head_given_) {
      head_given_ = true;
      return HttpHead{.status = 200,
                      .headers = {{"content-type", "application/json"}},
                      .has_length = true,
                      .length = page_.size()};
    }
    const PlaintextView rest = page_.view().Part(given_);
    if (rest.empty()) {
      return HttpEnd{};
    }
    const PlaintextView piece = rest.Part(0, std::min(rest.size(), kMaxBodyPiece));
    given_ += piece.size();
    return HttpBody{Plaintext::Copy(piece)};
  }
  void Cancel() override {}  // nothing is waited for

 private:
  const Plaintext page_;
  std::size_t given_ = 0;
  bool head_given_ = false;
};

}  // namespace

Result<std::unique_ptr<Answer>> HopsBackend::Open(const TenantId& tenant,
                                                  const HttpRequest& request) {
  if (request.method != "GET" || request.path != kHopsPath) {
    return inner_->Open(tenant, request);
  }
  return std::make_unique<PageAnswer>(HopsJson(
      hops_->Snapshot(),
      {.time = UnixSeconds(), .minimum = std::string(TlsMinimumName(TlsMinimum::kHybrid))}));
}

}  // namespace casemate::net
