#include "api/search.h"

#include "api/fields.h"

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;
using policy::Action;

constexpr std::string_view kServed[] = {"query", "max_num_results", "ranking_options", "filters"};
constexpr std::string_view kIgnored[] = {"rewrite_query"};
constexpr std::string_view kRankingServed[] = {"score_threshold"};
constexpr std::string_view kRankingIgnored[] = {"ranker", "hybrid_search"};

// A string, or an array of strings that are searched for as one.
Result<Plaintext> ReadQuery(const json::Value& value) {
  const std::vector<json::Value> parts =
      value.kind() == Kind::kArray ? value.Elements() : std::vector<json::Value>{value};
  Plaintext query;
  for (const json::Value& part : parts) {
    Result<PlaintextView> text = part.AsString();
    if (!text) {
      return std::unexpected(text.error());
    }
    if (!query.empty()) {
      query.AppendLiteral(" ");
    }
    query.Append(*text);
  }
  if (query.empty() || query.size() > kMaxQueryBytes) {
    return BadField(value, "Invalid 'query': expected 1 to " + std::to_string(kMaxQueryBytes) +
                               " bytes, found " + std::to_string(query.size()) + ".");
  }
  return query;
}

}  // namespace

Result<double> ReadScoreThreshold(const json::Value& holder, std::vector<std::string>& ignored) {
  const std::optional<json::Value> options = holder.GetSet("ranking_options");
  if (!options) {
    return 0.0;
  }
  Result<std::vector<std::string>> known = CheckFields(*options, {kRankingServed, kRankingIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  ignored.insert(ignored.end(), known->begin(), known->end());
  Result<std::optional<double>> threshold = ReadNumber(*options, "score_threshold", 0, 1);
  return threshold ? Result<double>(threshold->value_or(0)) : std::unexpected(threshold.error());
}

Result<void> RefuseFilters(const json::Value& holder) {
  const std::optional<json::Value> filters = holder.GetSet("filters");
  if (!filters) {
    return {};
  }
  return BadField(*filters, "'" + filters->path() +
                                "' is not served: documents have no attributes to filter by. Use a "
                                "vector store per group of documents.");
}

Result<SearchRequest> ParseSearchRequest(const json::Value& root) {
  Result<std::vector<std::string>> known = CheckFields(root, {kServed, kIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  SearchRequest request;
  request.ignored = std::move(*known);
  if (Result<void> none = RefuseFilters(root); !none) {
    return std::unexpected(none.error());
  }
  Result<json::Value> query_value = root.Require("query");
  if (!query_value) {
    return std::unexpected(query_value.error());
  }
  Result<Plaintext> query = ReadQuery(*query_value);
  if (!query) {
    return std::unexpected(query.error());
  }
  request.query = std::move(*query);
  Result<std::optional<std::int64_t>> limit =
      ReadInteger(root, "max_num_results", 1, kMaxSearchResults);
  if (!limit) {
    return std::unexpected(limit.error());
  }
  request.limit = static_cast<std::size_t>(limit->value_or(10));
  Result<double> threshold = ReadScoreThreshold(root, request.ignored);
  if (!threshold) {
    return std::unexpected(threshold.error());
  }
  request.score_threshold = *threshold;
  return request;
}

Scope SearchScope(std::vector<CollectionId> collections) {
  // Hits, their attachments and files; the index has a ticket of its own.
  const auto partitions =
      static_cast<std::uint32_t>(collections.size() * policy::LabelOrder::kMost);
  return {.actions = Action::kSearch | Action::kList,
          .collections = std::move(collections),
          .max_objects = 1024,
          .max_partitions = partitions,
          .receipt = true};
}

void WritePlace(json::Writer& writer, const retrieval::SearchHit& hit) {
  writer.Key("heading").Content(hit.heading);
  if (hit.page > 0) {
    writer.Key("page").Integer(hit.page);
  }
}

void WriteAttributes(json::Writer& writer, const retrieval::SearchHit& hit) {
  writer.BeginObject();
  WritePlace(writer, hit);
  writer.Key("begin").Integer(hit.begin);
  writer.Key("end").Integer(hit.end);
  writer.EndObject();
}

Plaintext SearchPageJson(const SearchRequest& request,
                         const std::vector<retrieval::SearchHit>& hits) {
  json::Writer writer;
  writer.BeginObject();
  writer.Key("object").String("vector_store.search_results.page");
  writer.Key("search_query").BeginArray().Content(request.query).EndArray();
  writer.Key("data").BeginArray();
  for (const retrieval::SearchHit& hit : hits) {
    if (hit.score < request.score_threshold) {
      continue;
    }
    writer.BeginObject();
    writer.Key("file_id").String(hit.file.ToString());
    writer.Key("filename").Content(hit.file_name);
    writer.Key("score").Number(hit.score);
    writer.Key("attributes");
    WriteAttributes(writer, hit);
    writer.Key("content").BeginArray().BeginObject();
    writer.Key("type").String("text");
    writer.Key("text").Content(hit.text);
    writer.EndObject().EndArray();
    writer.EndObject();
  }
  writer.EndArray();
  writer.Key("has_more").Bool(false);
  writer.Key("next_page").Null();
  writer.EndObject();
  return writer.Take();
}

}  // namespace casemate::api
