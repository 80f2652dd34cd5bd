#include "metrics/metrics.h"

#include <algorithm>

namespace casemate::metrics {
namespace {

constexpr std::size_t kMaxValue = 64;  // bytes of a label's value
constexpr std::string_view kOther = "other";

// What there is in this process. Never destroyed: threads may count until the very end.
struct Registry {
  std::mutex mutex;  // guards both; held while collectors run
  std::vector<const Family*> families;
  std::map<const Collector*, std::function<void()>> collectors;
};

Registry& TheRegistry() {
  static auto* registry = new Registry;
  return *registry;
}

Series Empty(Type type) {
  Series series;
  if (type == Type::kHistogram) {
    series.buckets.resize(kBuckets);
  }
  return series;
}

}  // namespace

Family::Family(Type type, const char* name, const char* help,
               std::initializer_list<const char*> labels)
    : type_(type), name_(name), help_(help), labels_(labels) {
  if (labels_.empty()) {
    series_.emplace(std::vector<std::string>(), Empty(type));
  }
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  registry.families.push_back(this);
}

Family::~Family() {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  std::erase(registry.families, this);
}

Series& Family::Find(LabelValues values) {
  std::vector<std::string> key;
  key.reserve(labels_.size());
  for (const LabelValue& value : values) {
    key.emplace_back(value.text().substr(0, kMaxValue));
  }
  key.resize(labels_.size());
  auto found = series_.find(key);
  if (found == series_.end()) {
    if (series_.size() >= kMaxSeries) {
      key.assign(labels_.size(), std::string(kOther));
    }
    found = series_.try_emplace(key, Empty(type_)).first;
  }
  return found->second;
}

FamilySnapshot Family::Read() const {
  FamilySnapshot out{.name = name_, .help = help_, .type = type_, .labels = {}, .series = {}};
  out.labels.assign(labels_.begin(), labels_.end());
  const std::lock_guard lock(mutex_);
  out.series.reserve(series_.size());
  for (const auto& [values, series] : series_) {
    out.series.push_back(series);
    out.series.back().values = values;
  }
  return out;
}

void Counter::Add(LabelValues values, std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  Find(values).value += static_cast<double>(count);
}

void Gauge::Set(double value, LabelValues values) {
  const std::lock_guard lock(mutex_);
  Find(values).value = value;
}

void Gauge::Add(double change, LabelValues values) {
  const std::lock_guard lock(mutex_);
  Find(values).value += change;
}

void Histogram::Observe(double seconds, LabelValues values) {
  const auto bucket = static_cast<std::size_t>(std::ranges::lower_bound(kSecondsBuckets, seconds) -
                                               std::begin(kSecondsBuckets));
  const std::lock_guard lock(mutex_);
  Series& series = Find(values);
  series.value += seconds;
  ++series.buckets[bucket];
}

Collector::Collector(std::function<void()> read) {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  registry.collectors.emplace(this, std::move(read));
}

Collector::~Collector() {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  registry.collectors.erase(this);
}

Snapshot Read() {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  for (const auto& [owner, read] : registry.collectors) {
    read();
  }
  Snapshot snapshot;
  snapshot.families.reserve(registry.families.size());
  for (const Family* family : registry.families) {
    FamilySnapshot read = family->Read();
    if (!read.series.empty()) {
      snapshot.families.push_back(std::move(read));
    }
  }
  return snapshot;
}

}  // namespace casemate::metrics
