#include "metrics/totals.h"

#include <algorithm>
#include <cmath>

namespace casemate::metrics {
namespace {

constexpr std::size_t kMaxText = 256;  // bytes of a name, help or value
constexpr std::size_t kMaxLabels = 8;

bool IsName(const std::string& name) {
  return !name.empty() && name.size() <= kMaxText && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool IsGood(const FamilySnapshot& family) {
  if (!IsName(family.name) || !family.name.starts_with("casemate_") ||
      family.help.size() > kMaxText || family.labels.size() > kMaxLabels ||
      !std::ranges::all_of(family.labels, IsName) || family.type < Type::kCounter ||
      family.type > Type::kHistogram || family.series.size() > kMaxSeries + 1) {
    return false;
  }
  return std::ranges::all_of(family.series, [&](const Series& series) {
    return series.values.size() == family.labels.size() && std::isfinite(series.value) &&
           series.buckets.size() == (family.type == Type::kHistogram ? kBuckets : 0) &&
           std::ranges::all_of(series.values,
                               [](const std::string& value) { return value.size() <= kMaxText; });
  });
}

bool SameKind(const FamilySnapshot& a, const FamilySnapshot& b) {
  return a.type == b.type && a.labels == b.labels;
}

void AddSeries(FamilySnapshot& into, const Series& series) {
  const auto found = std::ranges::find(into.series, series.values, &Series::values);
  if (found == into.series.end()) {
    if (into.series.size() <= kMaxSeries) {
      into.series.push_back(series);
    }
    return;
  }
  found->value += series.value;
  for (std::size_t i = 0; i < found->buckets.size(); ++i) {
    found->buckets[i] += series.buckets[i];
  }
}

}  // namespace

void Totals::Merge(Families& into, const Snapshot& snapshot, bool gauges) {
  for (const FamilySnapshot& family : snapshot.families) {
    if (!IsGood(family) || (family.type == Type::kGauge && !gauges)) {
      continue;
    }
    auto found = into.find(family.name);
    if (found == into.end()) {
      if (into.size() >= kMaxFamilies) {
        continue;
      }
      FamilySnapshot fresh = family;
      fresh.series.clear();
      found = into.emplace(family.name, std::move(fresh)).first;
    }
    if (SameKind(found->second, family)) {
      for (const Series& series : family.series) {
        AddSeries(found->second, series);
      }
    }
  }
}

std::vector<FamilySnapshot> Totals::Add(const Gathered& gathered) {
  std::map<std::uint64_t, Snapshot> now;
  for (const Report& report : gathered.reports) {
    if (report.snapshot.size() > kMaxSnapshotBytes || now.size() >= kMaxReports) {
      continue;
    }
    Result<Snapshot> snapshot = ipc::Decode<Snapshot>(PlaintextView::Of(ByteView(report.snapshot)));
    if (snapshot) {
      now.insert_or_assign(report.process, std::move(*snapshot));
    }
  }
  for (auto& [process, snapshot] : last_) {
    if (now.contains(process)) {
      continue;
    }
    // One that is busy is not gone: what it said last stands until it answers again.
    const bool may_be_busy = gathered.missing > 0;
    if (may_be_busy) {
      now.emplace(process, std::move(snapshot));
    } else {
      Merge(ended_, snapshot, /*gauges=*/false);
    }
  }
  last_ = std::move(now);
  Families sum = ended_;
  for (const auto& [process, snapshot] : last_) {
    Merge(sum, snapshot, /*gauges=*/true);
  }
  std::vector<FamilySnapshot> out;
  out.reserve(sum.size());
  for (auto& [name, family] : sum) {
    std::ranges::sort(family.series, {}, &Series::values);
    out.push_back(std::move(family));
  }
  return out;
}

}  // namespace casemate::metrics
