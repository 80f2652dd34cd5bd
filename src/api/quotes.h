#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "inference/messages.h"
#include "json/reader.h"
#include "json/writer.h"
#include "secmem/plaintext.h"

// Verbatim quoting, Casemate's extension: "casemate": {"quotes": "verbatim"} in a request. The room
// lets nothing stand between quotation marks but a span of a passage, and lets the passage's number
// follow; here that is read back and checked once more (docs/api.md, "Quotations").
namespace casemate::api {

inline constexpr std::size_t kMaxGivenPassages = 64;

enum class Quotes : std::uint8_t {
  kFree,      // the answer quotes as it likes
  kVerbatim,  // what stands between quotation marks is of a passage
  kOnly,      // and there is nothing else in the answer
};
struct QuoteRequest {
  Quotes quotes = Quotes::kFree;
  std::vector<Plaintext> passages;  // given with the request, where that is served
};
// "casemate" of a request. `with_passages`: it must and may give them itself ("passages": an array
// of strings). Errors: kInvalidArgument.
[[nodiscard]] Result<QuoteRequest> ReadQuotes(const json::Value& root, bool with_passages);

// Asks the room to hold the answer to `passages`, as they stand in the prompt.
void HoldToPassages(Quotes quotes, const std::vector<Plaintext>& passages,
                    inference::Generate& generate);

// One quotation of an answer. Places are in bytes, `end` is past the last.
struct Quotation {
  std::size_t passage = 0;  // from 0; [n] in the answer is n - 1
  std::size_t begin = 0;    // in the passage; 0 when not verified
  std::size_t end = 0;
  std::size_t answer_begin = 0;  // in the answer, without the quotation marks
  std::size_t answer_end = 0;
  bool verified = false;  // these bytes stand in that passage
};
std::vector<Quotation> FindQuotations(PlaintextView answer, const std::vector<Plaintext>& passages);

// Where `quote` stands in `text` when runs of white space count as one space: [begin, end).
std::optional<std::pair<std::size_t, std::size_t>> FindInDocument(PlaintextView text,
                                                                  PlaintextView quote);

// The members of a quotation's object, without its braces.
void WriteQuotation(json::Writer& writer, const Quotation& quotation);

}  // namespace casemate::api
