#include "net/gateway.h"

#include <utility>

namespace casemate::net {
namespace {

constexpr std::size_t kMaxIdle = 16;
// Half of what the front keeps a silent connection for (HttpServerOptions::idle_timeout).
constexpr std::chrono::seconds kMaxIdleTime(60);

}  // namespace

Result<std::shared_ptr<Gateway>> Gateway::Make(GatewayOptions options) {
  Result<std::shared_ptr<const GatewayIdentity>> identity =
      GatewayIdentity::Make(options.authority_der, options.host);
  if (!identity) {
    return std::unexpected(identity.error());
  }
  return std::shared_ptr<Gateway>(new Gateway(std::move(options), std::move(*identity)));
}

Gateway::Gateway(GatewayOptions options, std::shared_ptr<const GatewayIdentity> identity)
    : options_(std::move(options)),
      identity_(std::move(identity)),
      authority_((options_.host.find(':') == std::string::npos ? options_.host
                                                               : "[" + options_.host + "]") +
                 ":" + std::to_string(options_.port)) {}

Result<Gateway::Taken> Gateway::Take(const Interrupt& interrupt, bool fresh) {
  std::vector<Idle> stale;  // closed without the lock
  if (!fresh) {
    const std::lock_guard lock(mutex_);
    while (!idle_.empty()) {
      Idle newest = std::move(idle_.back());
      idle_.pop_back();
      if (Clock::now() - newest.since < kMaxIdleTime && newest.connection->quiet()) {
        return Taken{.connection = std::move(newest.connection), .used_before = true};
      }
      stale.push_back(std::move(newest));
    }
  }
  Result<std::unique_ptr<GatewayConnection>> opened = GatewayConnection::Open(
      *identity_, options_.addresses, options_.timeouts, interrupt, *options_.hops);
  const std::lock_guard lock(mutex_);
  if (!opened) {
    if (opened.error().code != ErrorCode::kCancelled) {
      trouble_ = opened.error();
    }
    return std::unexpected(opened.error());
  }
  trouble_.reset();
  group_ = (*opened)->group();
  return Taken{.connection = std::move(*opened), .used_before = false};
}

void Gateway::Give(std::unique_ptr<GatewayConnection> connection) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdle && connection->quiet()) {
    idle_.push_back({.connection = std::move(connection), .since = Clock::now()});
  }
}

std::string Gateway::group() const {
  const std::lock_guard lock(mutex_);
  return group_;
}

std::optional<Error> Gateway::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

}  // namespace casemate::net
