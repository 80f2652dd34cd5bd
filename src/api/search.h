#pragma once

#include <string>
#include <vector>

#include "api/exchange.h"
#include "base/error.h"
#include "json/reader.h"
#include "json/writer.h"
#include "retrieval/library.h"

namespace casemate::api {

inline constexpr std::size_t kMaxSearchResults = 50;  // OpenAI's limit
inline constexpr std::size_t kMaxQueryBytes = 4096;   // what a search looks at

// POST /v1/vector_stores/{id}/search, checked.
struct SearchRequest {
  Plaintext query;
  std::size_t limit = 10;
  double score_threshold = 0;
  std::vector<std::string> ignored;
};

// Errors: kInvalidArgument, with the field's path. `filters` is refused, not ignored: answering
// with what a caller wanted left out would be worse than no answer.
[[nodiscard]] Result<SearchRequest> ParseSearchRequest(const json::Value& root);

// `ranking_options` of searches and of the file_search tool. Errors: kInvalidArgument.
[[nodiscard]] Result<double> ReadScoreThreshold(const json::Value& holder,
                                                std::vector<std::string>& ignored);
[[nodiscard]] Result<void> RefuseFilters(const json::Value& holder);

// What a search may open in these collections.
Scope SearchScope(std::vector<CollectionId> collections);

Plaintext SearchPageJson(const SearchRequest& request,
                         const std::vector<retrieval::SearchHit>& hits);
// The members "heading" and, where the document has pages, "page" of an object that is open.
void WritePlace(json::Writer& writer, const retrieval::SearchHit& hit);
// {"heading", "page", "begin", "end"}: where in the document a hit is, as OpenAI's attributes.
void WriteAttributes(json::Writer& writer, const retrieval::SearchHit& hit);

}  // namespace casemate::api
