#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/id.h"
#include "ipc/codec.h"
#include "ipc/matrix.h"
#include "policy/label.h"

// A request as the front hands it to the tenant's keeper, and the keeper's answer. The front has
// checked: TLS, HTTP, sizes, the credential. It has not looked into the body.
namespace casemate::net {

using ipc::MessageType;

struct Header {
  std::string name;  // lower case
  std::string value;
  static void Fields(auto& m, auto& v) {
    v(m.name);
    v(m.value);
  }
};

struct HttpRequest {
  static constexpr MessageType kType = MessageType::kHttpRequest;
  std::string method;
  std::string path;             // decoded, no query
  std::string query;            // as sent, without '?'
  std::vector<Header> headers;  // content-type, accept, x-casemate-*, openai-*: never authorization
  PrincipalId principal;
  KeyId key;  // none on the operator's socket
  policy::Label ceiling = policy::kLowestLabel;
  bool from_operator = false;          // came over the operator's socket
  std::string tls_group;               // "X25519MLKEM768"; empty on the operator's socket
  bool tls_classical_allowed = false;  // this hop was held to a classical minimum only
  Plaintext body;
  static void Fields(auto& m, auto& v) {
    v(m.method);
    v(m.path);
    v(m.query);
    v(m.headers);
    v(m.principal);
    v(m.key);
    v(m.ceiling);
    v(m.from_operator);
    v(m.tls_group);
    v(m.tls_classical_allowed);
    v(m.body);
  }
};
// The answer: HttpHead, then any number of HttpBody, then HttpEnd. When has_length is false the
// front sends the body chunked (server-sent events).
struct HttpHead {
  static constexpr MessageType kType = MessageType::kHttpHead;
  std::uint16_t status = 0;
  std::vector<Header> headers = {};
  bool has_length = false;
  std::uint64_t length = 0;
  static void Fields(auto& m, auto& v) {
    v(m.status);
    v(m.headers);
    v(m.has_length);
    v(m.length);
  }
};
struct HttpBody {
  static constexpr MessageType kType = MessageType::kHttpBody;
  Plaintext bytes;  // at most 256 KiB; sent to the client at once
  static void Fields(auto& m, auto& v) { v(m.bytes); }
};
struct HttpEnd {
  static constexpr MessageType kType = MessageType::kHttpEnd;
  static void Fields(auto&, auto&) {}
};

inline constexpr std::size_t kMaxBodyPiece = std::size_t{256} * 1024;

}  // namespace casemate::net
