#include "api/quotes.h"

#include "api/fields.h"
#include "api/grounding.h"

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

constexpr std::string_view kServed[] = {"quotes"};
constexpr std::string_view kServedWithPassages[] = {"quotes", "passages"};
constexpr std::size_t kMaxPassageBytes = std::size_t{64} * 1024;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

Result<void> ReadPassages(const json::Value& extension, QuoteRequest& request) {
  Result<json::Value> passages = extension.Require("passages");
  if (!passages) {
    return std::unexpected(passages.error());
  }
  if (passages->kind() != Kind::kArray || passages->size() == 0 ||
      passages->size() > kMaxGivenPassages) {
    return BadField(*passages, "Invalid 'casemate.passages': expected an array of 1 to " +
                                   std::to_string(kMaxGivenPassages) + " strings.");
  }
  for (const json::Value& value : passages->Elements()) {
    Result<PlaintextView> text = value.AsString();
    if (!text) {
      return std::unexpected(text.error());
    }
    Plaintext line = OneLine(*text);
    if (line.empty() || line.size() > kMaxPassageBytes) {
      return BadField(value, "Invalid '" + value.path() + "': expected 1 to " +
                                 std::to_string(kMaxPassageBytes) + " bytes.");
    }
    request.passages.push_back(std::move(line));
  }
  return {};
}

// The number of "[12]" at `at`, after optional spaces; 0 when there is none.
std::size_t NumberAfter(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] == ' ') {
    ++at;
  }
  if (at >= text.size() || text[at] != '[') {
    return 0;
  }
  std::size_t number = 0;
  const std::size_t first = ++at;
  while (at < text.size() && at < first + 4 && text[at] >= '0' && text[at] <= '9') {
    number = number * 10 + static_cast<std::size_t>(text[at++] - '0');
  }
  return at > first && at < text.size() && text[at] == ']' ? number : 0;
}

}  // namespace

Result<QuoteRequest> ReadQuotes(const json::Value& root, bool with_passages) {
  QuoteRequest request;
  const std::optional<json::Value> extension = root.GetSet("casemate");
  if (!extension) {
    return request;
  }
  Result<std::vector<std::string>> known = CheckFields(
      *extension, {with_passages ? std::span<const std::string_view>(kServedWithPassages)
                                 : std::span<const std::string_view>(kServed),
                   {}});
  if (!known) {
    return std::unexpected(known.error());
  }
  if (const std::optional<json::Value> quotes = extension->GetSet("quotes")) {
    Result<std::string> name = quotes->AsName(32);
    if (!name) {
      return std::unexpected(name.error());
    }
    if (*name != "free" && *name != "verbatim" && *name != "only") {
      return BadField(*quotes,
                      "Invalid 'casemate.quotes': expected 'free', 'verbatim' or 'only', found '" +
                          *name + "'.");
    }
    request.quotes = *name == "free"   ? Quotes::kFree
                     : *name == "only" ? Quotes::kOnly
                                       : Quotes::kVerbatim;
  }
  if (with_passages && (request.quotes != Quotes::kFree || extension->GetSet("passages"))) {
    if (Result<void> read = ReadPassages(*extension, request); !read) {
      return std::unexpected(read.error());
    }
  }
  return request;
}

void HoldToPassages(Quotes quotes, const std::vector<Plaintext>& passages,
                    inference::Generate& generate) {
  if (quotes == Quotes::kFree) {
    return;
  }
  for (const Plaintext& passage : passages) {
    generate.passages.push_back(Plaintext::Copy(passage.view()));
  }
  generate.quotes_only = quotes == Quotes::kOnly;
}

std::vector<Quotation> FindQuotations(PlaintextView answer,
                                      const std::vector<Plaintext>& passages) {
  const std::string_view text = answer.Reveal();
  std::vector<Quotation> found;
  for (std::size_t open = text.find('"'); open != std::string_view::npos;) {
    const std::size_t close = text.find('"', open + 1);
    if (close == std::string_view::npos) {
      break;  // cut in the middle: nothing is claimed for it
    }
    Quotation quotation{.answer_begin = open + 1, .answer_end = close};
    const std::size_t number = NumberAfter(text, close + 1);
    if (number >= 1 && number <= passages.size() && close > open + 1) {
      quotation.passage = number - 1;
      const std::size_t at =
          passages[number - 1].view().Reveal().find(text.substr(open + 1, close - open - 1));
      if (at != std::string_view::npos) {
        quotation.verified = true;
        quotation.begin = at;
        quotation.end = at + (close - open - 1);
      }
      found.push_back(quotation);
    }
    open = text.find('"', close + 1);
  }
  return found;
}

std::optional<std::pair<std::size_t, std::size_t>> FindInDocument(PlaintextView text,
                                                                  PlaintextView quote) {
  const std::string_view in = text.Reveal();
  const std::string_view what = quote.Reveal();
  for (std::size_t begin = 0; !what.empty() && begin < in.size(); ++begin) {
    std::size_t at = begin;
    std::size_t i = 0;
    while (i < what.size() && at < in.size()) {
      if (IsSpace(what[i]) && IsSpace(in[at])) {
        ++i;
        while (at < in.size() && IsSpace(in[at])) {
          ++at;
        }
      } else if (what[i] == in[at]) {
        ++i;
        ++at;
      } else {
        break;
      }
    }
    if (i == what.size()) {
      return std::pair(begin, at);
    }
  }
  return std::nullopt;
}

void WriteQuotation(json::Writer& writer, const Quotation& quotation) {
  const auto place = [&](std::string_view key, std::size_t value) {
    writer.Key(key).Integer(static_cast<std::int64_t>(value));
  };
  place("passage", quotation.passage + 1);
  place("begin", quotation.begin);
  place("end", quotation.end);
  place("answer_begin", quotation.answer_begin);
  place("answer_end", quotation.answer_end);
  writer.Key("verified").Bool(quotation.verified);
}

}  // namespace casemate::api
