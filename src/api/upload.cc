#include "api/upload.h"

#include "api/multipart.h"
#include "api/query.h"

namespace casemate::api {
namespace {

std::unexpected<Error> BadPart(std::string message, std::string_view param) {
  return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                               .message = std::move(message),
                               .param = std::string(param),
                               .detail = {}});
}

// A short word in a form field.
std::string Word(PlaintextView content) { return std::string(content.Part(0, 64).Reveal()); }

}  // namespace

Result<Upload> ReadUpload(Exchange& exchange) {
  Result<std::vector<FormPart>> parts =
      ParseMultipart(exchange.header("content-type"), exchange.request().body);
  if (!parts) {
    return std::unexpected(parts.error());
  }
  Upload upload;
  bool has_file = false;
  std::string label;
  std::vector<std::string> ignored;
  for (FormPart& part : *parts) {
    if (part.name == "file") {
      if (has_file) {
        return BadPart("There are two parts named 'file'; one document goes in one request.",
                       "file");
      }
      if (!part.filename || part.filename->empty()) {
        return BadPart("The part 'file' needs a filename.", "file");
      }
      has_file = true;
      upload.filename = std::move(*part.filename);
      upload.content = part.content;
    } else if (part.name == "purpose") {
      upload.purpose = Word(part.content);
    } else if (part.name == "casemate_label" || part.name == "label") {
      label = Word(part.content);
    } else if (part.name.starts_with("expires_after")) {
      ignored.push_back(part.name);
    } else {
      return BadPart("Unknown parameter: '" + part.name + "'.", part.name);
    }
  }
  if (!has_file) {
    return BadPart("The form has no part named 'file'.", "file");
  }
  if (Result<void> declared = exchange.Declare(label); !declared) {
    return std::unexpected(declared.error());
  }
  upload.label = exchange.label();
  exchange.Ignore(ignored);
  return upload;
}

Result<bool> ReadNoMirror(const Exchange& exchange) {
  Result<Query> query = Query::Parse(exchange.request().query);
  if (!query) {
    return std::unexpected(query.error());
  }
  const std::string asked = query->Word("no_mirror");
  const std::string_view value =
      asked.empty() ? exchange.header("x-casemate-no-mirror") : std::string_view(asked);
  if (!value.empty() && value != "accept") {
    return BadPart("Invalid 'no_mirror': expected 'accept'.", "no_mirror");
  }
  return value == "accept";
}

void AddErasureHeaders(Exchange& exchange, const custody::EraseReply& erased) {
  exchange.AddHeader("x-casemate-epoch", std::to_string(erased.epoch));
  exchange.AddHeader("x-casemate-erased-objects", std::to_string(erased.erased.size()));
  if (!erased.caveat.empty()) {
    exchange.AddHeader("x-casemate-erasure-caveat", erased.caveat);
  }
}

}  // namespace casemate::api
