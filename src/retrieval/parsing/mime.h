#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "secmem/plaintext.h"

// What mail is made of: RFC 5322 (fields), 2045 (MIME), 2047 (words of other charsets), 2231
// (parameters). Views are of the message and valid as long as it is.
namespace casemate::retrieval {

inline constexpr std::size_t kMaxFields = 1000;                         // of one part
inline constexpr std::size_t kMaxHeaderBytes = std::size_t{256} << 10;  // of one part

struct MailField {
  std::string_view name;
  std::string_view value;  // as it stands there, folds included
};
struct MailPart {
  std::vector<MailField> fields;
  std::string_view body;

  // The first field of that name (lower case), or nothing.
  std::string_view Field(std::string_view lower) const;
};

// Parts a message, or a part of one, at its first empty line. Errors: kTooLarge.
[[nodiscard]] Result<MailPart> SplitPart(std::string_view bytes);

// "text/html; charset=utf-8": a value in lower case and its parameters.
struct MailValue {
  std::string value;  // at most 256 bytes; "" where it cannot be read
  struct Parameter {
    std::string name;  // lower case
    Plaintext value;   // unquoted; RFC 2231 pieces joined and decoded
  };
  std::vector<Parameter> parameters;

  PlaintextView Get(std::string_view name) const;
};
[[nodiscard]] MailValue ParseMailValue(std::string_view field);

// The bodies of a multipart, in order. A missing closing boundary is forgiven. Errors: kTooLarge:
// more than `most`.
[[nodiscard]] Result<std::vector<std::string_view>> SplitMultipart(std::string_view body,
                                                                   std::string_view boundary,
                                                                   std::size_t most);

// What is no base64 digit is skipped; decoding ends at '='.
[[nodiscard]] Plaintext DecodeBase64(std::string_view text);
// `words`: the form of RFC 2047, where '_' is a space.
[[nodiscard]] Plaintext DecodeQuotedPrintable(std::string_view text, bool words = false);
// A field's text: unfolded, encoded words decoded, as UTF-8.
[[nodiscard]] Plaintext DecodeFieldText(std::string_view field);

bool EqualsIgnoringCase(std::string_view a, std::string_view lower);

}  // namespace casemate::retrieval
