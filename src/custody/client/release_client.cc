#include "custody/client/release_client.h"

#include <algorithm>

#include "custody/client/lease_state.h"

namespace casemate::custody {

void Lease::State::Wipe() {
  const std::unique_lock lock(mutex);
  key.reset();
}

Lease::Lease(std::shared_ptr<State> state) : state_(std::move(state)) {}
Lease::Lease(Lease&&) noexcept = default;

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    if (state_) {
      state_->Wipe();
    }
    state_ = std::move(other.state_);
  }
  return *this;
}

Lease::~Lease() {
  if (state_) {
    state_->Wipe();
  }
}

Result<void> Lease::With(const std::function<Result<void>(KeyView)>& use) const {
  const std::shared_lock lock(state_->mutex);
  // The clock is asked too: the thread that wipes may be late, for example after a suspend.
  if (!state_->key || BootClock::now() >= state_->ends.load()) {
    return Fail(ErrorCode::kPermissionDenied, "the lease of this key is over");
  }
  return use(state_->key->view());
}

std::chrono::milliseconds Lease::remaining() const {
  const std::shared_lock lock(state_->mutex);
  const auto left = state_->ends.load() - BootClock::now();
  if (!state_->key || left <= BootClock::duration::zero()) {
    return std::chrono::milliseconds(0);
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(left);
}

policy::Label Lease::label() const { return state_->label; }

namespace {

std::map<CollectionId, policy::Label> CeilingsOf(const TicketReply& reply) {
  std::map<CollectionId, policy::Label> ceilings;
  for (const CollectionCeiling& one : reply.collections) {
    ceilings.emplace(one.collection, one.ceiling);
  }
  return ceilings;
}

}  // namespace

Ticket::State::State(const TicketReply& reply, BootClock::time_point end,
                     std::function<void(const TicketId&)> when_abandoned)
    : id(reply.ticket),
      ceiling(reply.ceiling),
      log_index(reply.log_index),
      every_ceiling(reply.every_collection ? std::optional(reply.every_ceiling) : std::nullopt),
      collections(CeilingsOf(reply)),
      abandoned(std::move(when_abandoned)),
      ends(end),
      renew_at(BootClock::time_point::max()) {}

void Ticket::State::End(bool revoke) {
  std::vector<std::weak_ptr<Lease::State>> ending;
  std::vector<std::function<void()>> waiting;
  {
    const std::lock_guard lock(mutex);
    over = true;
    ending.swap(leases);
    if (revoke && !revoked) {
      revoked = true;
      waiting.swap(on_revoked);
    }
  }
  // First those who would go on using keys, then the keys: a `With` that runs must end first.
  for (const auto& callback : waiting) {
    callback();
  }
  for (const auto& weak : ending) {
    if (const auto lease = weak.lock()) {
      lease->Wipe();
    }
  }
}

Result<void> Ticket::State::Add(const std::shared_ptr<Lease::State>& lease) {
  {
    const std::lock_guard lock(mutex);
    if (!over) {
      // Forget the dead now and then, so that a long ticket does not grow with what it dropped.
      if (leases.size() >= 1024 && leases.size() == leases.capacity()) {
        std::erase_if(leases, [](const auto& weak) { return weak.expired(); });
      }
      leases.push_back(lease);
      return {};
    }
  }
  lease->Wipe();
  return Fail(ErrorCode::kDeadlineExceeded, "the ticket is over");
}

std::size_t Ticket::State::Prolong(BootClock::time_point lease_end) {
  const std::lock_guard lock(mutex);
  std::erase_if(leases, [](const auto& weak) { return weak.expired(); });
  for (const auto& weak : leases) {
    if (const auto lease = weak.lock()) {
      lease->ends = std::max(lease->ends.load(), lease_end);
    }
  }
  return leases.size();
}

void Ticket::State::WipeObjects(const std::unordered_set<ObjectId>& erased) {
  std::vector<std::shared_ptr<Lease::State>> ending;
  {
    const std::lock_guard lock(mutex);
    for (const auto& weak : leases) {
      if (auto lease = weak.lock(); lease && erased.contains(lease->object)) {
        ending.push_back(std::move(lease));
      }
    }
  }
  for (const auto& lease : ending) {
    lease->Wipe();
  }
}

BootClock::time_point Ticket::State::WipeExpired(BootClock::time_point now) {
  std::vector<std::shared_ptr<Lease::State>> ending;
  BootClock::time_point next = BootClock::time_point::max();
  {
    const std::lock_guard lock(mutex);
    for (const auto& weak : leases) {
      if (auto lease = weak.lock()) {
        if (lease->ends.load() <= now) {
          ending.push_back(std::move(lease));
        } else {
          next = std::min(next, lease->ends.load());
        }
      }
    }
    std::erase_if(leases, [now](const auto& weak) {
      const auto lease = weak.lock();
      return !lease || lease->ends.load() <= now;
    });
  }
  for (const auto& lease : ending) {
    lease->Wipe();
  }
  return next;
}

Ticket::Ticket(std::shared_ptr<State> state) : state_(std::move(state)) {}
Ticket::Ticket(Ticket&&) noexcept = default;

namespace {

void Abandon(const std::shared_ptr<Ticket::State>& state) {
  if (state) {
    state->End(false);
    if (!state->closed.exchange(true) && state->abandoned) {
      state->abandoned(state->id);
    }
  }
}

}  // namespace

Ticket& Ticket::operator=(Ticket&& other) noexcept {
  if (this != &other) {
    Abandon(state_);
    state_ = std::move(other.state_);
  }
  return *this;
}

Ticket::~Ticket() { Abandon(state_); }

const TicketId& Ticket::id() const { return state_->id; }
policy::Label Ticket::ceiling() const { return state_->ceiling; }
std::optional<policy::Label> Ticket::ceiling(const CollectionId& collection) const {
  const auto own = state_->collections.find(collection);
  return own != state_->collections.end() ? std::optional(own->second) : state_->every_ceiling;
}
std::uint64_t Ticket::log_index() const { return state_->log_index; }

bool Ticket::over() const { return state_->over || BootClock::now() >= state_->ends.load(); }

void Ticket::LeaveOpen() { state_->closed = true; }

void Ticket::OnRevoked(std::function<void()> on_revoked) {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->revoked) {
      state_->on_revoked.push_back(std::move(on_revoked));
      return;
    }
  }
  on_revoked();
}

}  // namespace casemate::custody
