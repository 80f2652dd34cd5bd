#include "api/multipart.h"

#include <algorithm>
#include <cctype>

namespace casemate::api {
namespace {

std::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, "multipart/form-data: " + std::move(message));
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// Parameters of a header value after its first word: `; name=token; other="quoted \" value"`.
// Values come out still escaped.
class Parameters {
 public:
  explicit Parameters(std::string_view rest) : rest_(rest) {}
  struct Parameter {
    std::string_view name;
    std::string_view value;
  };
  // Nothing at the end or at the first thing that is no parameter.
  std::optional<Parameter> Next() {
    rest_ = Trimmed(rest_);
    if (rest_.empty() || rest_.front() != ';') {
      return std::nullopt;
    }
    rest_ = Trimmed(rest_.substr(1));
    const std::size_t equals = rest_.find('=');
    if (equals == std::string_view::npos) {
      return std::nullopt;
    }
    Parameter found{.name = Trimmed(rest_.substr(0, equals)), .value = {}};
    rest_ = Trimmed(rest_.substr(equals + 1));
    if (rest_.empty() || rest_.front() != '"') {
      const std::size_t end = std::min(rest_.find(';'), rest_.size());
      found.value = Trimmed(rest_.substr(0, end));
      rest_.remove_prefix(end);
      return found;
    }
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '\\') {
        ++i;
      } else if (rest_[i] == '"') {
        found.value = rest_.substr(1, i - 1);
        rest_.remove_prefix(i + 1);
        return found;
      }
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
};

// Names are quoted as browsers and httpx do it (HTML standard: %22, %0D, %0A) or with a backslash
// as curl does it.
Plaintext Unescape(std::string_view text) {
  Plaintext out = Plaintext::Zeroed(text.size());
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) {
      c = text[++i];
    } else if (c == '%' && (text.substr(i, 3) == "%22")) {
      c = '"';
      i += 2;
    }
    out.mutable_bytes()[used++] = static_cast<std::byte>(c);
  }
  out.Truncate(used);
  return out;
}

Result<std::string> Boundary(std::string_view content_type) {
  const std::size_t end = std::min(content_type.find(';'), content_type.size());
  if (!EqualsIgnoringCase(Trimmed(content_type.substr(0, end)), "multipart/form-data")) {
    return Fail(ErrorCode::kInvalidArgument, "Expected a multipart/form-data body.");
  }
  Parameters parameters(content_type.substr(end));
  while (const auto parameter = parameters.Next()) {
    if (!EqualsIgnoringCase(parameter->name, "boundary")) {
      continue;
    }
    const std::string_view value = parameter->value;
    const bool allowed = std::all_of(value.begin(), value.end(), [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
             std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
    });
    if (value.empty() || value.size() > kMaxBoundaryBytes || value.back() == ' ' || !allowed) {
      return Bad("the boundary must be 1 to 70 characters of RFC 2046.");
    }
    return std::string(value);
  }
  return Bad("the content-type names no boundary.");
}

// Reads the headers of one part into `part`.
Result<void> ReadPartHeaders(std::string_view headers, FormPart& part) {
  bool disposed = false;
  while (!headers.empty()) {
    const std::size_t end = std::min(headers.find("\r\n"), headers.size());
    const std::string_view line = headers.substr(0, end);
    headers.remove_prefix(std::min(end + 2, headers.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      return Bad("a part has a header line without a name.");
    }
    if (!EqualsIgnoringCase(line.substr(0, colon), "content-disposition")) {
      continue;
    }
    const std::string_view value = Trimmed(line.substr(colon + 1));
    const std::size_t word = std::min(value.find(';'), value.size());
    if (disposed || !EqualsIgnoringCase(Trimmed(value.substr(0, word)), "form-data")) {
      return Bad("a part needs one content-disposition: form-data.");
    }
    disposed = true;
    Parameters parameters(value.substr(word));
    while (const auto parameter = parameters.Next()) {
      if (EqualsIgnoringCase(parameter->name, "name")) {
        part.name = parameter->value;
      } else if (EqualsIgnoringCase(parameter->name, "filename")) {
        part.filename = Unescape(parameter->value);
      }
    }
  }
  const bool printable =
      std::all_of(part.name.begin(), part.name.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!disposed || part.name.empty() || part.name.size() > kMaxFieldNameBytes || !printable) {
    return Bad("a part needs a name of 1 to 64 printable ASCII characters.");
  }
  if (part.filename && part.filename->size() > kMaxFilenameBytes) {
    return Fail(ErrorCode::kTooLarge, "multipart/form-data: a filename of " +
                                          std::to_string(part.filename->size()) +
                                          " bytes, at most 1024 are taken.");
  }
  return {};
}

}  // namespace

Result<std::vector<FormPart>> ParseMultipart(std::string_view content_type, PlaintextView body) {
  Result<std::string> boundary = Boundary(content_type);
  if (!boundary) {
    return std::unexpected(boundary.error());
  }
  const std::string delimiter = "\r\n--" + *boundary;
  const std::string_view text = body.Reveal();

  // The first delimiter may stand at the very start, or after a preamble.
  std::size_t at = 0;
  if (text.starts_with(std::string_view(delimiter).substr(2))) {
    at = delimiter.size() - 2;
  } else if (const std::size_t found = text.find(delimiter); found != std::string_view::npos) {
    at = found + delimiter.size();
  } else {
    return Bad("the body does not have the boundary of its content-type.");
  }

  std::vector<FormPart> parts;
  while (true) {
    if (text.substr(at, 2) == "--") {
      return parts;
    }
    const std::size_t line_end = text.find("\r\n", at);
    if (line_end == std::string_view::npos || !Trimmed(text.substr(at, line_end - at)).empty()) {
      return Bad("the body ends without its last boundary.");
    }
    if (parts.size() == kMaxFormParts) {
      return Fail(ErrorCode::kTooLarge,
                  "multipart/form-data: more than " + std::to_string(kMaxFormParts) + " parts.");
    }
    // A part without headers has its blank line at once; ours need one header, so that is refused
    // by ReadPartHeaders.
    const std::size_t headers_begin = line_end + 2;
    const std::string_view window = text.substr(headers_begin, kMaxPartHeaderBytes + 4);
    const std::size_t headers_size = window.find("\r\n\r\n");
    if (headers_size == std::string_view::npos) {
      return window.size() > kMaxPartHeaderBytes
                 ? Fail(ErrorCode::kTooLarge, "multipart/form-data: headers of a part over " +
                                                  std::to_string(kMaxPartHeaderBytes) + " bytes.")
                 : Bad("the headers of a part do not end.");
    }
    FormPart part;
    if (Result<void> read = ReadPartHeaders(window.substr(0, headers_size), part); !read) {
      return std::unexpected(read.error());
    }
    // From two bytes before the content, so that the delimiter of an empty part is found.
    const std::size_t content_begin = headers_begin + headers_size + 4;
    const std::size_t content_end = text.find(delimiter, content_begin - 2);
    if (content_end == std::string_view::npos) {
      return Bad("the body ends without its last boundary.");
    }
    part.content = content_end < content_begin
                       ? PlaintextView()
                       : body.Part(content_begin, content_end - content_begin);
    parts.push_back(std::move(part));
    at = content_end + delimiter.size();
  }
}

}  // namespace casemate::api
