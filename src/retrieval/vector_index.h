#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "policy/label.h"
#include "retrieval/keyword_index.h"
#include "secmem/plaintext.h"

namespace casemate::retrieval {

// Every vector compared with the query: exact, float32, cosine of unit vectors (their inner
// product). 50,000 vectors of 256 numbers are 51 MB and take a few milliseconds. What is removed is
// overwritten. Threads: const members at the same time; anything else needs outside ordering.
class VectorIndex {
 public:
  explicit VectorIndex(std::size_t dimensions) : dimensions_(dimensions) {}

  std::size_t dimensions() const { return dimensions_; }
  std::size_t size() const { return rows_.size(); }

  // `vector` has dimensions() numbers; a row is added once.
  void Add(std::int64_t row, policy::Label label, std::span<const float> vector);
  void Remove(std::int64_t row);

  // The best `limit` rows of at most `ceiling`; equal scores by row.
  std::vector<Ranked> Search(std::span<const float> query, policy::Label ceiling,
                             std::size_t limit) const;

 private:
  const float* At(std::size_t index) const;

  std::size_t dimensions_;
  Plaintext vectors_;  // size() x dimensions() float32: they tell about the text
  std::vector<std::int64_t> rows_;
  std::vector<policy::Label> labels_;
  std::unordered_map<std::int64_t, std::size_t> places_;  // row -> index
};

}  // namespace casemate::retrieval
