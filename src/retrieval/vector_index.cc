#include "retrieval/vector_index.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace casemate::retrieval {
namespace {

// Independent sums, so that the compiler may use vector registers without reordering one sum.
constexpr std::size_t kLanes = 16;

// A copy for each width of registers; the loader takes the one that the processor has. Not under a
// sanitizer, whose runtime is not there yet when the loader asks.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CASEMATE_EACH_WIDTH \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CASEMATE_EACH_WIDTH
#endif

CASEMATE_EACH_WIDTH float InnerProduct(const float* a, const float* b, std::size_t size) {
  std::array<float, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += a[i + lane] * b[i + lane];
    }
  }
  float sum = 0;
  for (; i < size; ++i) {
    sum += a[i] * b[i];
  }
  for (const float part : sums) {
    sum += part;
  }
  return sum;
}

bool IsBetter(const Ranked& a, const Ranked& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

}  // namespace

const float* VectorIndex::At(std::size_t index) const {
  return reinterpret_cast<const float*>(vectors_.view().RevealBytes().data()) + index * dimensions_;
}

void VectorIndex::Add(std::int64_t row, policy::Label label, std::span<const float> vector) {
  assert(vector.size() == dimensions_ && !places_.contains(row));
  places_[row] = rows_.size();
  rows_.push_back(row);
  labels_.push_back(label);
  vectors_.Append(PlaintextView::Of(std::as_bytes(vector)));
}

void VectorIndex::Remove(std::int64_t row) {
  const auto found = places_.find(row);
  if (found == places_.end()) {
    return;
  }
  // The last vector takes the place; Truncate wipes where it was.
  const std::size_t place = found->second;
  const std::size_t last = rows_.size() - 1;
  const std::size_t bytes = dimensions_ * sizeof(float);
  places_.erase(found);
  if (place != last) {
    std::memcpy(vectors_.mutable_bytes().data() + place * bytes,
                vectors_.view().RevealBytes().data() + last * bytes, bytes);
    rows_[place] = rows_[last];
    labels_[place] = labels_[last];
    places_[rows_[place]] = place;
  }
  rows_.pop_back();
  labels_.pop_back();
  vectors_.Truncate(last * bytes);
}

std::vector<Ranked> VectorIndex::Search(std::span<const float> query, policy::Label ceiling,
                                        std::size_t limit) const {
  std::vector<Ranked> best;
  if (query.size() != dimensions_ || limit == 0) {
    return best;
  }
  best.reserve(limit + 1);
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (labels_[i] > ceiling) {
      continue;
    }
    const Ranked one{rows_[i], InnerProduct(query.data(), At(i), dimensions_)};
    if (best.size() == limit && !IsBetter(one, best.front())) {
      continue;
    }
    best.push_back(one);
    std::ranges::push_heap(best, IsBetter);  // the worst in front
    if (best.size() > limit) {
      std::ranges::pop_heap(best, IsBetter);
      best.pop_back();
    }
  }
  std::ranges::sort(best, IsBetter);
  return best;
}

}  // namespace casemate::retrieval
