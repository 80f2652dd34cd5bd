#include "net/response_head.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "net/error_envelope.h"

namespace casemate::net {
namespace {

constexpr std::array<std::string_view, 11> kOwn = {
    "connection",     "keep-alive",  "transfer-encoding",
    "content-length", "trailer",     "upgrade",
    "cache-control",  "server",      "x-content-type-options",
    "set-cookie",     "x-request-id"};

bool MayPass(const Header& header) {
  const bool name_good =
      !header.name.empty() && std::ranges::all_of(header.name, [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      });
  const bool value_good = std::ranges::all_of(
      header.value, [](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); });
  return name_good && value_good && !header.name.starts_with("access-control-") &&
         std::ranges::find(kOwn, header.name) == kOwn.end();
}

}  // namespace

std::string BuildResponseHead(const ResponseHead& response) {
  const HttpHead& head = response.head;
  std::string text = "HTTP/1.1 " + std::to_string(head.status) + " ";
  text += StatusText(head.status);
  text += "\r\n";
  for (const Header& header : head.headers) {
    if (MayPass(header)) {
      text += header.name + ": " + header.value + "\r\n";
    }
  }
  for (const Header& header : response.own_fields) {
    text += header.name + ": " + header.value + "\r\n";
  }
  switch (response.framing) {
    case BodyFraming::kLength:
      if (head.status != 204) {
        text += "content-length: " + std::to_string(head.length) + "\r\n";
      }
      break;
    case BodyFraming::kChunked:
      text += "transfer-encoding: chunked\r\n";
      break;
    case BodyFraming::kUntilEnd:
      break;
  }
  text += response.keep_alive ? "connection: keep-alive\r\n" : "connection: close\r\n";
  text += "x-request-id: ";
  text += response.request_id;
  text += "\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\r\n";
  return text;
}

}  // namespace casemate::net
