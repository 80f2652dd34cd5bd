#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "flows/client_offer.h"
#include "flows/server_answer.h"

namespace casemate::flows {

// The handshake messages in one QUIC connection's Initial packets (RFC 9000, RFC 9001, RFC 9369):
// what a client offers and what the server chooses. Bounded: 64 KiB of handshake a side.
class QuicHandshake {
 public:
  // Datagrams in the order that they came; others than Initial packets are passed over. Errors:
  // kInvalidArgument: malformed; kIntegrityFailure: does not open with the keys of its connection.
  [[nodiscard]] Result<void> Client(ByteView datagram);
  [[nodiscard]] Result<void> Server(ByteView datagram);

  const std::optional<ClientOffer>& offer() const { return offer_; }
  const std::optional<ServerAnswer>& answer() const { return answer_; }
  bool retried() const { return retried_; }
  // Bytes of handshake that are held.
  std::size_t held() const { return client_.held + server_.held; }

  // Does a datagram look like the first of a connection?
  static bool LooksLikeInitial(ByteView datagram);

 private:
  struct Side {
    std::map<std::uint64_t, Bytes> pieces;  // of CRYPTO frames, by offset
    Bytes bytes;                            // from the beginning, without a hole
    std::size_t held = 0;                   // in both
  };
  [[nodiscard]] Result<void> Read(ByteView datagram, bool server);
  [[nodiscard]] Result<void> Frames(ByteView plain, Side& side);
  void Look();

  Bytes destination_;  // that the keys follow from
  Side client_;
  Side server_;
  std::size_t answered_ = 0;  // bytes of server_ that were looked at
  std::optional<ClientOffer> offer_;
  std::optional<ServerAnswer> answer_;
  bool retried_ = false;
};

}  // namespace casemate::flows
