#include "config/setting.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace casemate::config {
namespace {

constexpr std::size_t kMaxNames = 64;        // of a certificate
constexpr std::size_t kMaxTextBytes = 4096;  // of one setting: PATH_MAX

std::unexpected<Error> Expected(const std::string& what, const std::string& found) {
  return Fail(ErrorCode::kInvalidArgument, "expected " + what + ", found " + found);
}

// A value of the operator's own file is shown, cut, and with control characters left out.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 80)) {
    out.push_back(static_cast<unsigned char>(c) < 0x20 ? '?' : c);
  }
  return out + (text.size() > 80 ? "...'" : "'");
}

// Finds the number that the setting is about in either a const or a mutable configuration.
template <typename Number>
using Field = Number& (*)(DeploymentConfig&);

template <typename Number>
Setting NumberSetting(std::string_view section, std::string_view key, std::string_view comment,
                      std::int64_t low, std::int64_t high, Field<Number> field) {
  return {section, key, comment,
          [field](const DeploymentConfig& config) -> Value {
            DeploymentConfig copy = config;
            return static_cast<std::int64_t>(field(copy));
          },
          [=](const Value& value, DeploymentConfig& config) -> Result<void> {
            const std::int64_t number = std::get<std::int64_t>(value);
            if (number < low || number > high) {
              return Expected(
                  "a number from " + std::to_string(low) + " to " + std::to_string(high),
                  std::to_string(number));
            }
            field(config) = static_cast<Number>(number);
            return {};
          }};
}

using Check = Result<void> (*)(const std::string&);

Setting TextSetting(std::string_view section, std::string_view key, std::string_view comment,
                    Field<std::string> field, Check check) {
  return {section, key, comment,
          [field](const DeploymentConfig& config) -> Value {
            DeploymentConfig copy = config;
            return field(copy);
          },
          [field, check](const Value& value, DeploymentConfig& config) -> Result<void> {
            const std::string& text = std::get<std::string>(value);
            if (text.size() > kMaxTextBytes || text.find('\0') != std::string::npos) {
              return Expected(
                  "at most " + std::to_string(kMaxTextBytes) + " bytes without a zero among them",
                  std::to_string(text.size()) + " bytes");
            }
            if (Result<void> good = check(text); !good) {
              return good;
            }
            field(config) = text;
            return {};
          }};
}

using Names = std::vector<std::string>;

Setting ListSetting(std::string_view section, std::string_view key, std::string_view comment,
                    Field<Names> field, Check check, bool may_be_empty) {
  return {
      section, key, comment,
      [field](const DeploymentConfig& config) -> Value {
        DeploymentConfig copy = config;
        return field(copy);
      },
      [field, check, may_be_empty](const Value& value, DeploymentConfig& config) -> Result<void> {
        const Names& names = std::get<Names>(value);
        if (names.size() > kMaxNames || (names.empty() && !may_be_empty)) {
          return Expected(std::string(may_be_empty ? "0" : "1") + " to " +
                              std::to_string(kMaxNames) + " of them",
                          std::to_string(names.size()));
        }
        std::set<std::string> seen;
        for (const std::string& name : names) {
          if (Result<void> good = check(name); !good) {
            return good;
          }
          if (!seen.insert(name).second) {
            return Expected("each once", Quoted(name) + " twice");
          }
        }
        field(config) = names;
        return {};
      }};
}

// A setting that is one of several words.
template <typename Choice>
Setting ChoiceSetting(std::string_view section, std::string_view key, std::string_view comment,
                      const std::vector<std::pair<std::string_view, Choice>>& choices,
                      Field<Choice> field) {
  return {section, key, comment,
          [field, choices](const DeploymentConfig& config) -> Value {
            DeploymentConfig copy = config;
            for (const auto& [name, choice] : choices) {
              if (choice == field(copy)) {
                return std::string(name);
              }
            }
            return std::string(choices.front().first);
          },
          [field, choices](const Value& value, DeploymentConfig& config) -> Result<void> {
            const std::string& text = std::get<std::string>(value);
            std::string known;
            for (const auto& [name, choice] : choices) {
              if (name == text) {
                field(config) = choice;
                return {};
              }
              known += (known.empty() ? "\"" : ", \"") + std::string(name) + "\"";
            }
            return Expected((choices.size() > 1 ? "one of " : "") + known, Quoted(text));
          }};
}

Result<void> CheckListen(const std::string& text) {
  const Result<Endpoint> endpoint = ParseEndpoint(text);
  return endpoint ? Result<void>() : std::unexpected(endpoint.error());
}

Result<void> CheckGroup(const std::string& name) {
  if (name == "X25519MLKEM768" || name == "SecP256r1MLKEM768" || name == "SecP384r1MLKEM1024") {
    return {};
  }
  return Expected("groups among X25519MLKEM768, SecP256r1MLKEM768 and SecP384r1MLKEM1024",
                  Quoted(name));
}

Result<void> CheckDnsName(const std::string& name) {
  const bool letters = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '*';
  });
  if (!letters || name.empty() || name.size() > 253 || name.front() == '.' || name.back() == '.') {
    return Expected("a DNS name such as \"casemate.example.com\"", Quoted(name));
  }
  return {};
}

Result<void> CheckAddress(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) != 1 &&
      ::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) {
    return Expected("a numeric IP address", Quoted(text));
  }
  return {};
}

Result<void> CheckNetwork(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  std::array<unsigned char, 16> bytes{};
  const bool v4 = ::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
  bool good = v4 || ::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
  if (good && slash != std::string::npos) {
    unsigned bits = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
    good = error == std::errc() && stop == end && bits <= (v4 ? 32U : 128U);
    for (unsigned bit = bits; good && bit < (v4 ? 32U : 128U); ++bit) {
      good = (bytes[bit / 8] >> (7 - bit % 8) & 1) == 0;
    }
  }
  return good ? Result<void>()
              : Expected("an address or a network such as \"10.1.0.0/16\", with no bits behind it",
                         Quoted(text));
}

Result<void> CheckToken(const std::string& text) {
  if (!text.empty() && !text.starts_with("pkcs11:")) {
    return Expected("a URI that begins with \"pkcs11:\" (RFC 7512), or \"\"", Quoted(text));
  }
  // A PIN in a configuration file would be a secret in the clear.
  if (text.find("pin-value") != std::string::npos) {
    return Expected("a URI without pin-value (see pin_source)", "one with it");
  }
  return {};
}

Result<void> CheckModule(const std::string& text) {
  if (!text.empty() && !text.starts_with('/')) {
    return Expected("an absolute path, or \"\"", Quoted(text));
  }
  return {};
}

Result<void> CheckMirror(const std::string& text) {
  if (!text.empty() && text != "none" && !text.starts_with('/')) {
    return Expected("an absolute path, \"none\" or \"\"", Quoted(text));
  }
  return {};
}

Result<void> CheckLabel(const std::string& name) {
  const bool letters = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (!letters || name.empty() || name.size() > 32) {
    return Expected("a label of 1 to 32 of a-z, 0-9, '-' and '_'", Quoted(name));
  }
  return {};
}

std::vector<Setting> MakeSettings() {
  using Config = DeploymentConfig;
  using Number = std::uint32_t;
  std::vector<Setting> all;
  all.push_back(TextSetting(
      "server", "listen",
      "Numeric address and port that clients reach with TLS, such as \"0.0.0.0:8443\" or\n"
      "\"[::]:8443\". Port 0: any free one.",
      [](Config& c) -> std::string& { return c.server.listen; }, CheckListen));
  all.push_back(NumberSetting<Number>("server", "max_body_mib", "MiB in one request, 1 to 4096.", 1,
                                      4096,
                                      [](Config& c) -> Number& { return c.server.max_body_mib; }));
  all.push_back(
      NumberSetting<Number>("server", "max_connections", "At the same time, 1 to 65536.", 1, 65536,
                            [](Config& c) -> Number& { return c.server.max_connections; }));
  all.push_back(NumberSetting<Number>(
      "server", "max_document_mib", "MiB in one document before it is parsed, 1 to 4096.", 1, 4096,
      [](Config& c) -> Number& { return c.server.max_document_mib; }));
  all.push_back(NumberSetting<Number>(
      "server", "drain_s",
      "Seconds that requests in flight get when the server is told to end, 0 to 3600.", 0, 3600,
      [](Config& c) -> Number& { return c.server.drain_s; }));
  all.push_back(ChoiceSetting<TlsMinimum>(
      "tls", "minimum",
      "\"hybrid\": only clients that agree keys with ML-KEM (FIPS 203) beside an elliptic curve\n"
      "are let in. \"classical\": others too, whose recorded traffic may be read later.",
      {{"hybrid", TlsMinimum::kHybrid}, {"classical", TlsMinimum::kClassical}},
      [](Config& c) -> TlsMinimum& { return c.tls.minimum; }));
  all.push_back({"tls", "hybrid_only", "Older than minimum: true is \"hybrid\".",
                 [](const Config& c) -> Value { return c.tls.minimum == TlsMinimum::kHybrid; },
                 [](const Value& value, Config& c) -> Result<void> {
                   c.tls.minimum =
                       std::get<bool>(value) ? TlsMinimum::kHybrid : TlsMinimum::kClassical;
                   return {};
                 },
                 "minimum"});
  all.push_back(ListSetting(
      "tls", "classical_from",
      "Peers held to \"classical\" although minimum is \"hybrid\": addresses or networks such as\n"
      "\"192.0.2.7\", \"10.1.0.0/16\", \"2001:db8::/32\"; at most 64. Each is warned of.",
      [](Config& c) -> Names& { return c.tls.classical_from; }, CheckNetwork, true));
  all.push_back(ListSetting(
      "tls", "groups",
      "Key agreement, most wanted first: X25519MLKEM768, SecP256r1MLKEM768, SecP384r1MLKEM1024.",
      [](Config& c) -> Names& { return c.tls.groups; }, CheckGroup, false));
  all.push_back(ListSetting(
      "tls", "dns_names", "Names of the server's certificate, besides localhost; at most 64.",
      [](Config& c) -> Names& { return c.tls.dns_names; }, CheckDnsName, true));
  all.push_back(ListSetting(
      "tls", "ip_addresses",
      "Addresses of the server's certificate, besides 127.0.0.1 and ::1; at most 64.",
      [](Config& c) -> Names& { return c.tls.ip_addresses; }, CheckAddress, true));
  all.push_back(TextSetting(
      "custody", "token",
      "PKCS#11 URI (RFC 7512) of the token that holds the root keys, without a PIN.\n"
      "\"\": a SoftHSM2 token of this deployment's own, in custodian/token.",
      [](Config& c) -> std::string& { return c.custody.token; }, CheckToken));
  all.push_back(TextSetting(
      "custody", "module",
      "Absolute path of the PKCS#11 library. \"\": SoftHSM2's, where Linux systems keep it.",
      [](Config& c) -> std::string& { return c.custody.module; }, CheckModule));
  all.push_back(ChoiceSetting<PinSource>(
      "custody", "pin_source",
      "Where the token's PIN comes from: \"passphrase\" (asked for at start), \"credential\"\n"
      "(systemd) or \"insecure-file\" (beside the token, unprotected: for trials only).",
      {{"passphrase", PinSource::kPassphrase},
       {"credential", PinSource::kCredential},
       {"insecure-file", PinSource::kInsecureFile}},
      [](Config& c) -> PinSource& { return c.custody.pin_source; }));
  all.push_back(TextSetting(
      "custody", "mirror",
      "Absolute path of a folder on another disk for the second copy of the key tree. \"none\":\n"
      "a lost disk loses everything, and this is accepted. \"\": not decided yet.",
      [](Config& c) -> std::string& { return c.custody.mirror; }, CheckMirror));
  all.push_back(
      {"custody", "lease_ms", "Milliseconds that a key on loan lives, 1000 to 600000.",
       [](const Config& c) -> Value { return static_cast<std::int64_t>(c.custody.lease.count()); },
       [](const Value& value, Config& c) -> Result<void> {
         const std::int64_t ms = std::get<std::int64_t>(value);
         if (ms < 1000 || ms > 600000) {
           return Expected("a number from 1000 to 600000", std::to_string(ms));
         }
         c.custody.lease = std::chrono::milliseconds(ms);
         return {};
       }});
  all.push_back(NumberSetting<Number>("rooms", "sequences",
                                      "Answers at the same time in one room, 1 to 256.", 1, 256,
                                      [](Config& c) -> Number& { return c.rooms.sequences; }));
  all.push_back(NumberSetting<Number>("rooms", "threads",
                                      "Threads of one room, 0 to 1024. 0: by the model's size.", 0,
                                      1024, [](Config& c) -> Number& { return c.rooms.threads; }));
  all.push_back(ChoiceSetting<Isolation>(
      "rooms", "isolation", "What keeps rooms apart: \"process\" (seccomp and Landlock).",
      {{"process", Isolation::kProcess}},
      [](Config& c) -> Isolation& { return c.rooms.isolation; }));
  Setting order = ListSetting(
      "labels", "order",
      "How confidential things are, lowest first: 2 to 16 names. Fixed when the deployment is "
      "made:\n"
      "what is stored holds the places of labels in this list.",
      [](Config& c) -> Names& { return c.labels.order; }, CheckLabel, false);
  order.set = [set = order.set](const Value& value, Config& c) -> Result<void> {
    const std::size_t count = std::get<Names>(value).size();
    if (count < 2 || count > 16) {
      return Expected("2 to 16 of them", std::to_string(count));
    }
    return set(value, c);
  };
  all.push_back(std::move(order));
  all.push_back(TextSetting(
      "labels", "default",
      "The label of what comes without one. Fixed when the deployment is made.",
      [](Config& c) -> std::string& { return c.labels.fallback; }, CheckLabel));
  all.push_back(ChoiceSetting<LogLevel>(
      "log", "level", "Lowest level written: \"debug\", \"info\", \"warning\" or \"error\".",
      {{"debug", LogLevel::kDebug},
       {"info", LogLevel::kInfo},
       {"warning", LogLevel::kWarning},
       {"error", LogLevel::kError}},
      [](Config& c) -> LogLevel& { return c.log_level; }));
  all.push_back(ChoiceSetting<LogFormat>("log", "format",
                                         "\"text\" (key=value) or \"json\" (one object a line).",
                                         {{"text", LogFormat::kText}, {"json", LogFormat::kJson}},
                                         [](Config& c) -> LogFormat& { return c.log_format; }));
  return all;
}

}  // namespace

std::span<const Setting> Settings() {
  static const std::vector<Setting> settings = MakeSettings();
  return settings;
}

}  // namespace casemate::config
