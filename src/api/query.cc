#include "api/query.h"

#include <algorithm>
#include <charconv>

namespace casemate::api {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::unexpected<Error> BadQuery(std::string message, std::string_view param = {}) {
  return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                               .message = std::move(message),
                               .param = std::string(param),
                               .detail = {}});
}

Result<Plaintext> Decode(std::string_view text) {
  Plaintext out = Plaintext::Zeroed(text.size());
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i] == '+' ? ' ' : text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return BadQuery("The query has '%' without two hexadecimal digits at byte " +
                        std::to_string(i) + ".");
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    out.mutable_bytes()[used++] = static_cast<std::byte>(c);
  }
  out.Truncate(used);
  return out;
}

}  // namespace

Result<Query> Query::Parse(std::string_view query) {
  Query parsed;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) {
      continue;
    }
    if (parsed.pairs_.size() == kMaxPairs) {
      return BadQuery("The query has more than " + std::to_string(kMaxPairs) + " parameters.");
    }
    const std::size_t equals = pair.find('=');
    Result<Plaintext> name = Decode(pair.substr(0, equals));
    if (!name) {
      return std::unexpected(name.error());
    }
    Result<Plaintext> value =
        Decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    if (!value) {
      return std::unexpected(value.error());
    }
    std::string key(name->view().Part(0, 64).Reveal());
    if (parsed.Find(key) != nullptr) {
      return BadQuery("Parameter '" + key + "' stands twice in the query.", key);
    }
    parsed.pairs_.push_back({std::move(key), std::move(*value)});
  }
  return parsed;
}

const Plaintext* Query::Find(std::string_view name) const {
  for (const Pair& pair : pairs_) {
    if (pair.name == name) {
      return &pair.value;
    }
  }
  return nullptr;
}

std::string Query::Word(std::string_view name) const {
  const Plaintext* value = Find(name);
  return value == nullptr ? std::string() : std::string(value->view().Part(0, 64).Reveal());
}

Result<retrieval::Page> ParsePage(const Query& query, std::size_t usual, std::size_t most,
                                  std::span<const std::string_view> also) {
  for (const Query::Pair& pair : query.pairs()) {
    if (pair.name != "limit" && pair.name != "order" && pair.name != "after" &&
        std::find(also.begin(), also.end(), pair.name) == also.end()) {
      return BadQuery("Unknown parameter: '" + pair.name + "'.", pair.name);
    }
  }
  retrieval::Page page{.limit = usual, .ascending = false, .after = query.Word("after")};
  if (query.Find("limit") != nullptr) {
    const std::string text = query.Word("limit");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), page.limit);
    if (error != std::errc() || end != text.data() + text.size() || page.limit < 1 ||
        page.limit > most) {
      return BadQuery("Invalid 'limit': expected 1 to " + std::to_string(most) + ".", "limit");
    }
  }
  if (query.Find("order") != nullptr) {
    const std::string order = query.Word("order");
    if (order != "asc" && order != "desc") {
      return BadQuery("Invalid 'order': expected 'asc' or 'desc'.", "order");
    }
    page.ascending = order == "asc";
  }
  return page;
}

}  // namespace casemate::api
