#include "net/multipart_form.h"

#include <array>
#include <utility>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace casemate::net {
namespace {

std::string Quote(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    switch (c) {
      case '"':
        quoted += "%22";
        break;
      case '\r':
        quoted += "%0D";
        break;
      case '\n':
        quoted += "%0A";
        break;
      default:
        quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace

MultipartForm::MultipartForm() {
  std::array<std::byte, 16> random;
  crypto::FillRandom(random);
  boundary_ = "casemate-" + ToHex(random);
}

void MultipartForm::AddField(std::string_view name, PlaintextView value) {
  body_.AppendLiteral("--" + boundary_ + "\r\ncontent-disposition: form-data; name=" + Quote(name) +
                      "\r\n\r\n");
  body_.Append(value);
  body_.AppendLiteral("\r\n");
}

void MultipartForm::AddFile(std::string_view name, std::string_view file_name,
                            std::string_view content_type, PlaintextView content) {
  body_.AppendLiteral("--" + boundary_ + "\r\ncontent-disposition: form-data; name=" + Quote(name) +
                      "; filename=" + Quote(file_name) +
                      "\r\ncontent-type: " + std::string(content_type) + "\r\n\r\n");
  body_.Append(content);
  body_.AppendLiteral("\r\n");
}

Plaintext MultipartForm::Finish() {
  body_.AppendLiteral("--" + boundary_ + "--\r\n");
  return std::exchange(body_, Plaintext());
}

}  // namespace casemate::net
