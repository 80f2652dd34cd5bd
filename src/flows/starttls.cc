#include "flows/starttls.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string>

namespace casemate::flows {
namespace {

constexpr std::size_t kMaxGreeting = std::size_t{64} * 1024;

struct Protocol {
  std::string_view name;
  std::uint16_t port;
  Result<void> (*start)(Stream& stream, std::string_view host);
};

// Reads until `done` finds what it waits for in all that came.
Result<Bytes> ReadUntil(Stream& stream, const std::function<bool(ByteView)>& done) {
  Bytes all;
  while (!done(all)) {
    Result<Bytes> piece = stream.Read();
    if (!piece) {
      return piece;
    }
    if (piece->empty()) {
      return Fail(ErrorCode::kUnavailable, "it closed the connection before STARTTLS");
    }
    Put(all, *piece);
    if (all.size() > kMaxGreeting) {
      return Fail(ErrorCode::kInvalidArgument, "more than 64 KiB before STARTTLS");
    }
  }
  return all;
}

Result<void> Refused(std::string_view said) {
  std::string line(said.substr(0, std::min<std::size_t>(said.find_first_of("\r\n"), 80)));
  std::ranges::replace_if(line, [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return Fail(ErrorCode::kPermissionDenied, "no TLS is offered here: " + line);
}

// The last line of all that came, when it is complete; else empty.
std::string_view LastLine(ByteView all) {
  std::string_view text = AsText(all);
  if (!text.ends_with('\n')) {
    return {};
  }
  text.remove_suffix(1);
  const std::size_t start = text.rfind('\n');
  return start == std::string_view::npos ? text : text.substr(start + 1);
}

// A reply of SMTP's kind: its last line has a space after the number.
Result<void> ExpectCode(Stream& stream, std::string_view code) {
  Result<Bytes> reply = ReadUntil(stream, [](ByteView all) {
    const std::string_view last = LastLine(all);
    return last.size() >= 4 && last[3] == ' ';
  });
  if (!reply) {
    return std::unexpected(reply.error());
  }
  return LastLine(*reply).starts_with(code) ? Result<void>{} : Refused(LastLine(*reply));
}

// A line that begins with `good`, or with one of the words that refuse.
Result<void> ExpectLine(Stream& stream, std::string_view good, std::string_view bad) {
  Result<Bytes> reply = ReadUntil(stream, [&](ByteView all) {
    const std::string_view last = LastLine(all);
    return last.starts_with(good) || last.starts_with(bad);
  });
  if (!reply) {
    return std::unexpected(reply.error());
  }
  return LastLine(*reply).starts_with(good) ? Result<void>{} : Refused(LastLine(*reply));
}

// Say, then expect; the first error ends it.
Result<void> Say(Stream& stream, std::string_view text) { return stream.Write(AsBytes(text)); }

Result<void> StartSmtp(Stream& stream, std::string_view) {
  return ExpectCode(stream, "220")
      .and_then([&] { return Say(stream, "EHLO casemate.invalid\r\n"); })
      .and_then([&] { return ExpectCode(stream, "250"); })
      .and_then([&] { return Say(stream, "STARTTLS\r\n"); })
      .and_then([&] { return ExpectCode(stream, "220"); });
}

Result<void> StartImap(Stream& stream, std::string_view) {
  return ExpectLine(stream, "* OK", "* BYE")
      .and_then([&] { return Say(stream, "a1 STARTTLS\r\n"); })
      .and_then([&] { return ExpectLine(stream, "a1 OK", "a1 "); });
}

Result<void> StartPop3(Stream& stream, std::string_view) {
  return ExpectLine(stream, "+OK", "-ERR")
      .and_then([&] { return Say(stream, "STLS\r\n"); })
      .and_then([&] { return ExpectLine(stream, "+OK", "-ERR"); });
}

Result<void> StartLdap(Stream& stream, std::string_view) {
  // LDAPMessage 1, ExtendedRequest with the name 1.3.6.1.4.1.1466.20037 (RFC 4511 section 4.14).
  constexpr std::string_view kRequest(
      "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
      "1.3.6.1.4.1.1466.20037",
      31);
  if (Result<void> said = Say(stream, kRequest); !said) {
    return said;
  }
  Result<Bytes> reply = ReadUntil(stream, [](ByteView all) {
    return all.size() >= 2 && all.size() >= 2 + std::to_integer<std::size_t>(all[1]);
  });
  if (!reply) {
    return std::unexpected(reply.error());
  }
  // SEQUENCE, message id 1, [APPLICATION 24], ENUMERATED resultCode; BER in its short form.
  const bool good = reply->size() >= 10 && (*reply)[5] == std::byte{0x78} &&
                    (*reply)[7] == std::byte{0x0A} && (*reply)[9] == std::byte{0};
  return good ? Result<void>{} : Refused("LDAP result other than success");
}

Result<void> StartPostgres(Stream& stream, std::string_view) {
  constexpr std::string_view kSslRequest("\x00\x00\x00\x08\x04\xd2\x16\x2f", 8);
  if (Result<void> said = Say(stream, kSslRequest); !said) {
    return said;
  }
  Result<Bytes> reply = ReadUntil(stream, [](ByteView all) { return !all.empty(); });
  if (!reply) {
    return std::unexpected(reply.error());
  }
  return (*reply)[0] == std::byte{'S'} ? Result<void>{} : Refused(AsText(*reply));
}

Result<void> StartMysql(Stream& stream, std::string_view) {
  Result<Bytes> greeting = ReadUntil(stream, [](ByteView all) {
    return all.size() >= 4 && all.size() >= 4 + (std::to_integer<std::size_t>(all[0]) |
                                                 std::to_integer<std::size_t>(all[1]) << 8 |
                                                 std::to_integer<std::size_t>(all[2]) << 16);
  });
  if (!greeting) {
    return std::unexpected(greeting.error());
  }
  if (greeting->size() < 5 || (*greeting)[4] != std::byte{10}) {
    return Refused("not MySQL's protocol 10");
  }
  // Protocol::SSLRequest: CLIENT_PROTOCOL_41 | CLIENT_SSL | CLIENT_SECURE_CONNECTION, packet size,
  // utf8mb4, 23 zeros.
  std::string request("\x20\x00\x00\x01\x00\x8a\x00\x00\x00\x00\x00\x01\x2d", 13);
  request.append(23, '\0');
  return Say(stream, request);
}

Result<void> StartXmpp(Stream& stream, std::string_view host) {
  const std::string open = "<?xml version='1.0'?><stream:stream to='" + std::string(host) +
                           "' xmlns='jabber:client' "
                           "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
  if (Result<void> said = Say(stream, open); !said) {
    return said;
  }
  const auto until = [&](std::string_view good) -> Result<void> {
    Result<Bytes> reply = ReadUntil(stream, [&](ByteView all) {
      const std::string_view text = AsText(all);
      return text.find(good) != std::string_view::npos ||
             text.find("<failure") != std::string_view::npos ||
             text.find("</stream:stream>") != std::string_view::npos;
    });
    if (!reply) {
      return std::unexpected(reply.error());
    }
    return AsText(*reply).find(good) != std::string_view::npos ? Result<void>{}
                                                               : Refused("XMPP ended the stream");
  };
  return until("</stream:features>")
      .and_then([&] { return Say(stream, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"); })
      .and_then([&] { return until("<proceed"); });
}

constexpr std::array<Protocol, 7> kProtocols = {{
    {"smtp", 25, StartSmtp},
    {"imap", 143, StartImap},
    {"pop3", 110, StartPop3},
    {"ldap", 389, StartLdap},
    {"postgres", 5432, StartPostgres},
    {"mysql", 3306, StartMysql},
    {"xmpp", 5222, StartXmpp},
}};

Result<const Protocol*> Find(std::string_view name) {
  const auto* found = std::ranges::find(kProtocols, name, &Protocol::name);
  if (found == kProtocols.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected smtp, imap, pop3, ldap, postgres, mysql or xmpp");
  }
  return found;
}

}  // namespace

Result<std::uint16_t> StartTlsPort(std::string_view protocol) {
  return Find(protocol).transform([](const Protocol* found) { return found->port; });
}

Result<void> StartTls(Stream& stream, std::string_view protocol, std::string_view host) {
  return Find(protocol).and_then([&](const Protocol* found) { return found->start(stream, host); });
}

}  // namespace casemate::flows
