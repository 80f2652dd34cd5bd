#pragma once

#include <span>
#include <string>
#include <string_view>

#include "net/messages.h"

namespace casemate::net {

enum class BodyFraming : unsigned char {
  kLength,   // Content-Length
  kChunked,  // Transfer-Encoding: chunked
  kUntilEnd  // HTTP/1.0: the end of the connection is the end of the body
};

struct ResponseHead {
  const HttpHead& head;
  BodyFraming framing = BodyFraming::kLength;
  bool keep_alive = true;
  std::string_view request_id;
  std::span<const Header> own_fields = {};  // ours: written as they are
};

// The flat text of a response's head, blank line included. The fields of `head` are taken as they
// are but for those that the front decides (framing, connection, cache-control, server, set-cookie
// and CORS: they are left out) and those with bytes that a field must not have.
std::string BuildResponseHead(const ResponseHead& response);

}  // namespace casemate::net
