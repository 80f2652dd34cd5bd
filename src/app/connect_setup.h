#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/fd.h"
#include "ipc/codec.h"
#include "secmem/plaintext.h"

// What `casemate connect` read and checked, on its way to casemate-connect: in a sealed memfd, so
// that the API key stands in no argument, no environment and no file.
namespace casemate::app {

struct ConnectSetup {
  std::string host;  // of the gateway
  std::uint16_t port = 0;
  Bytes authority_der;
  Plaintext api_key;
  std::string log_keys;  // the text of log.vkey; empty: receipts cannot be verified
  std::string socket;    // a UNIX socket's path; empty: TCP
  std::string address;   // loopback
  std::uint16_t listen_port = 0;
  std::vector<std::string> origins;
  std::string token_file;
  bool new_token = false;
  std::string ready_file;  // may be empty
  std::uint8_t mode = 0;   // net::ReceiptMode
  std::uint64_t max_body_bytes = 0;
  bool json = false;
  static void Fields(auto& m, auto& v) {
    v(m.host);
    v(m.port);
    v(m.authority_der);
    v(m.api_key);
    v(m.log_keys);
    v(m.socket);
    v(m.address);
    v(m.listen_port);
    v(m.origins);
    v(m.token_file);
    v(m.new_token);
    v(m.ready_file);
    v(m.mode);
    v(m.max_body_bytes);
    v(m.json);
  }
};

// Errors: kResourceExhausted; kTooLarge: over 64 KiB.
[[nodiscard]] Result<UniqueFd> WriteSetup(const ConnectSetup& setup);
// Errors: kInvalidArgument: not what WriteSetup wrote.
[[nodiscard]] Result<ConnectSetup> ReadSetup(UniqueFd fd);

}  // namespace casemate::app
