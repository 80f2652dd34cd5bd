#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "retrieval/library.h"
#include "secmem/plaintext.h"

namespace casemate::api {

// The query of a URL, decoded (WHATWG URL, application/x-www-form-urlencoded). Values are
// plaintext: a collection's name can stand there.
class Query {
 public:
  static constexpr std::size_t kMaxPairs = 32;

  // Errors: kInvalidArgument: a bad percent sequence, too many pairs, a name twice.
  [[nodiscard]] static Result<Query> Parse(std::string_view query);

  const Plaintext* Find(std::string_view name) const;
  // A short word of the protocol; empty when absent.
  std::string Word(std::string_view name) const;

  struct Pair {
    std::string name;
    Plaintext value;
  };
  const std::vector<Pair>& pairs() const { return pairs_; }

 private:
  std::vector<Pair> pairs_;
};

// `limit` (1 to `most`), `order` ("asc", "desc") and `after`. Errors: kInvalidArgument with param;
// "Unknown parameter" for names that are neither these nor in `also`.
[[nodiscard]] Result<retrieval::Page> ParsePage(const Query& query, std::size_t usual,
                                                std::size_t most,
                                                std::span<const std::string_view> also = {});

}  // namespace casemate::api
