#include "net/hop_table.h"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "base/clock.h"

namespace casemate::net {
namespace {

std::string KeyOf(const HopFacts& facts) {
  std::string key;
  for (const std::string* part :
       {&facts.hop, &facts.peer, &facts.version, &facts.group, &facts.cipher, &facts.minimum}) {
    key += *part + '\n';
  }
  key += facts.made ? 'm' : 'a';
  key += HopTransportName(facts.transport);
  return key + '\n' + (facts.certificate != nullptr ? facts.certificate->sha256 : "");
}

std::string KeyOf(const HopRefusal& refusal) {
  return refusal.hop + '\n' + refusal.peer + '\n' + refusal.reason + (refusal.made ? "\nm" : "\na");
}

}  // namespace

struct HopTable::Use::Entry {
  HopRow row;
  bool kept = true;  // in the table; else what comes is added to what is forgotten
};

struct HopTable::State {
  using Entry = Use::Entry;
  struct Refused {
    std::string key;
    RefusalRow row;
  };

  // Makes room for one more. With `mutex` held.
  void ForgetOldestHop() {
    auto oldest = std::ranges::min_element(hops, {}, [](const auto& named) {
      return std::tuple(named.second->row.open > 0, named.second->row.last_seen);
    });
    const HopRow& row = oldest->second->row;
    ++forgotten.hops;
    forgotten.connections += row.connections;
    forgotten.bytes_in += row.bytes_in;
    forgotten.bytes_out += row.bytes_out;
    oldest->second->kept = false;
    hops.erase(oldest);
  }

  HopLimits limits;
  std::function<std::int64_t()> now;
  std::int64_t since = 0;
  mutable std::mutex mutex;  // guards what follows
  std::map<std::string, std::shared_ptr<Entry>> hops;
  std::list<Refused> refused;  // last seen first
  HopsForgotten forgotten;
};

std::shared_ptr<HopTable> HopTable::Make(HopLimits limits, std::function<std::int64_t()> now) {
  auto state = std::make_unique<State>();
  state->limits = limits;
  state->now = now ? std::move(now) : std::function<std::int64_t()>(&UnixSeconds);
  state->since = state->now();
  return std::shared_ptr<HopTable>(new HopTable(std::move(state)));
}

HopTable::HopTable(std::unique_ptr<State> state) : state_(std::move(state)) {}
HopTable::~HopTable() = default;

std::shared_ptr<HopTable::Use> HopTable::Open(const HopFacts& facts) {
  const std::string key = KeyOf(facts);
  const std::int64_t now = state_->now();
  const std::lock_guard lock(state_->mutex);
  auto found = state_->hops.find(key);
  if (found == state_->hops.end()) {
    if (state_->hops.size() >= state_->limits.hops) {
      state_->ForgetOldestHop();
    }
    auto entry = std::make_shared<Use::Entry>();
    entry->row.facts = facts;
    entry->row.first_seen = now;
    found = state_->hops.emplace(key, std::move(entry)).first;
  }
  HopRow& row = found->second->row;
  ++row.connections;
  ++row.open;
  row.last_seen = now;
  return std::shared_ptr<Use>(new Use(shared_from_this(), found->second));
}

void HopTable::Refuse(const HopRefusal& refusal) {
  std::string key = KeyOf(refusal);
  const std::int64_t now = state_->now();
  const std::lock_guard lock(state_->mutex);
  std::list<State::Refused>& refused = state_->refused;
  const auto found = std::ranges::find(refused, key, &State::Refused::key);
  if (found != refused.end()) {
    refused.splice(refused.begin(), refused, found);
  } else {
    if (refused.size() >= state_->limits.refusals) {
      state_->forgotten.refusals += refused.back().row.count;
      refused.pop_back();
    }
    refused.push_front({.key = std::move(key), .row = {.first_seen = now}});
  }
  RefusalRow& row = refused.front().row;
  row.refusal = refusal;
  row.last_seen = now;
  ++row.count;
}

HopSnapshot HopTable::Snapshot() const {
  const std::lock_guard lock(state_->mutex);
  HopSnapshot snapshot{
      .since = state_->since, .hops = {}, .refused = {}, .forgotten = state_->forgotten};
  for (const auto& [key, entry] : state_->hops) {
    snapshot.hops.push_back(entry->row);
  }
  std::ranges::stable_sort(snapshot.hops, std::ranges::greater(), &HopRow::last_seen);
  for (const State::Refused& refused : state_->refused) {
    snapshot.refused.push_back(refused.row);
  }
  return snapshot;
}

HopTable::Use::Use(std::shared_ptr<HopTable> table, std::shared_ptr<Entry> entry)
    : table_(std::move(table)), entry_(std::move(entry)) {}

HopTable::Use::~Use() {
  const std::int64_t now = table_->state_->now();
  const std::lock_guard lock(table_->state_->mutex);
  --entry_->row.open;
  entry_->row.last_seen = now;
}

void HopTable::Use::Add(std::uint64_t bytes_in, std::uint64_t bytes_out) {
  const std::int64_t now = table_->state_->now();
  const std::lock_guard lock(table_->state_->mutex);
  if (!entry_->kept) {
    table_->state_->forgotten.bytes_in += bytes_in;
    table_->state_->forgotten.bytes_out += bytes_out;
    return;
  }
  entry_->row.bytes_in += bytes_in;
  entry_->row.bytes_out += bytes_out;
  entry_->row.last_seen = now;
}

// The facts of an entry never change.
const HopFacts& HopTable::Use::facts() const { return entry_->row.facts; }

}  // namespace casemate::net
