#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "attestation/cbor/value.h"

// For tests: CBOR of as much diagnostic notation (RFC 8949, section 8) as Veraison's vectors use.
namespace casemate::attestation::cca {

class Diagnostic {
 public:
  explicit Diagnostic(std::string_view text) : rest_(text) {}
  Bytes Encode() {
    Bytes out = Item();
    Skip();
    Expect(rest_.empty());
    return out;
  }

 private:
  static void Expect(bool holds) {
    if (!holds) {
      throw std::runtime_error("not the notation that is expected");
    }
  }
  void Skip() {  // white space and /comments/
    for (;;) {
      if (!rest_.empty() && std::string_view(" \t\r\n").contains(rest_.front())) {
        rest_.remove_prefix(1);
      } else if (rest_.starts_with('/')) {
        rest_.remove_prefix(rest_.find('/', 1) + 1);
      } else {
        return;
      }
    }
  }
  bool Take(std::string_view token) {
    Skip();
    if (!rest_.starts_with(token)) {
      return false;
    }
    rest_.remove_prefix(token.size());
    return true;
  }
  std::string Until(char end) {
    const std::size_t at = rest_.find(end);
    Expect(at != std::string_view::npos);
    std::string taken(rest_.substr(0, at));
    rest_.remove_prefix(at + 1);
    return taken;
  }
  Bytes Many(unsigned major, std::string_view end) {
    Bytes content;
    std::uint64_t count = 0;
    while (!Take(end)) {
      Expect(count == 0 || Take(","));
      Put(content, Item());
      if (major == 5) {
        Expect(Take(":"));
        Put(content, Item());
      }
      ++count;
    }
    Bytes out;
    cbor::PutHead(out, major, count);
    Put(out, content);
    return out;
  }
  Bytes Item() {
    Bytes out;
    if (Take("{")) {
      return Many(5, "}");
    }
    if (Take("[")) {
      return Many(4, "]");
    }
    if (Take("<<")) {
      const Bytes inner = Item();
      Expect(Take(">>"));
      cbor::PutBytes(out, inner);
    } else if (Take("h'")) {
      cbor::PutBytes(out, FromHex(Until('\'')).value());
    } else if (Take("\"")) {
      cbor::PutText(out, Until('"'));
    } else {
      const bool negative = Take("-");
      std::uint64_t number = 0;
      Expect(!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9');
      while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
        number = number * 10 + static_cast<std::uint64_t>(rest_.front() - '0');
        rest_.remove_prefix(1);
      }
      cbor::PutHead(out, negative ? 1 : 0, negative ? number - 1 : number);
    }
    return out;
  }

  std::string_view rest_;
};

}  // namespace casemate::attestation::cca
