#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flows/byte_stream.h"
#include "flows/client_offer.h"
#include "flows/packet.h"
#include "flows/quic_hello.h"
#include "flows/server_answer.h"
#include "flows/ssh_kexinit.h"

namespace casemate::flows {

// What a recorder of one session could do with it later.
enum class SessionVerdict : std::uint8_t {
  kHybrid,     // a post-quantum key exchange: stays closed
  kClassical,  // can be opened by a quantum computer
  kPlain,      // no encryption was seen where it is expected (STARTTLS that never came)
  kRefused,    // nothing was agreed: the server said no to the ClientHello, or closed
  kUnknown,    // resumed without a new key exchange, or not seen whole
};
std::string_view SessionVerdictName(SessionVerdict verdict);  // "hybrid", ...

// What stays of a session: metadata of its handshake, and counts.
struct CapturedSession {
  Address client;
  Address server;
  std::string protocol;  // "tls", "quic", "ssh", "smtp", "imap", "pop3", "postgres", "ldap", ...
  SessionVerdict verdict = SessionVerdict::kUnknown;
  std::string why;                     // one sentence
  std::optional<ClientOffer> offer;    // TLS, QUIC
  std::optional<ServerAnswer> answer;  // without certificates
  std::optional<SshOffer> ssh_server;  // SSH: what the server offers
  bool retried = false;
  std::uint16_t retry_group = 0;   // that the server asked for, when it did
  std::string key_exchange;        // the group's or the SSH method's name, or empty
  std::uint64_t client_bytes = 0;  // payload on the wire, handshake included
  std::uint64_t server_bytes = 0;
  std::int64_t first_ms = 0;  // unix milliseconds, of the capture's clock
  std::int64_t last_ms = 0;

  bool resumed() const { return answer && answer->resumed; }
  // What somebody who recorded it could read later; 0 for a hybrid session.
  std::uint64_t OpenableBytes() const {
    return verdict == SessionVerdict::kClassical || verdict == SessionVerdict::kPlain
               ? client_bytes + server_bytes
               : 0;
  }
};

// One TCP connection or QUIC connection as its packets pass. Lets go of all content as soon as the
// verdict stands. Threads: one at a time.
class Session {
 public:
  Session(const Packet& first, std::int64_t time_ms);
  // Was the first packet that was seen of a connection sent by its server?
  static bool FromServer(const Packet& first);

  void Add(const Packet& packet, bool from_client, std::int64_t time_ms);
  // Both sides have said that they are done, or one reset it.
  bool over() const { return over_; }
  std::int64_t last_ms() const { return record_.last_ms; }
  // Something that can be judged was seen: TLS, SSH, QUIC, or plain text before a STARTTLS.
  bool interesting() const {
    return kind_ == Kind::kTls || kind_ == Kind::kSsh || kind_ == Kind::kQuic || !plain_.empty();
  }
  // Bytes of content that are held for now.
  std::size_t held() const { return client_.held() + server_.held() + quic_.held(); }
  CapturedSession Finish();

 private:
  enum class Kind : std::uint8_t { kUndecided, kTls, kSsh, kQuic, kOther };
  void AddTcp(const Packet& packet, bool from_client);
  void AddQuic(const Packet& packet, bool from_client);
  void Decide();
  void LookAtTls();
  void LookAtSsh();
  void Settle(SessionVerdict verdict, std::string why);
  void SettleByAnswer();

  CapturedSession record_;
  Kind kind_ = Kind::kUndecided;
  std::string plain_;  // a protocol whose content was seen without encryption
  bool settled_ = false;
  bool over_ = false;
  bool client_done_ = false;
  bool server_done_ = false;
  ByteStream client_;
  ByteStream server_;
  std::size_t tls_at_ = 0;         // where the client's TLS begins
  std::size_t server_read_ = 0;    // bytes of the server's side that were read
  bool server_tls_found_ = false;  // behind STARTTLS's plain text
  AnswerReader answers_;
  SshReader ssh_client_;
  SshReader ssh_server_;
  std::size_t ssh_client_read_ = 0;
  std::optional<SshOffer> ssh_offers_[2];
  QuicHandshake quic_;
};

}  // namespace casemate::flows
