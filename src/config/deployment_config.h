#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/log_settings.h"

// The settings of a deployment: D/config.toml (TOML 1.0). Each has a default, so that an empty file
// is a whole configuration; the file that `casemate init` writes names every one with its range.
namespace casemate::config {

// Where the token's PIN comes from.
enum class PinSource : std::uint8_t {
  kPassphrase,    // sealed in custodian/pin.sealed under a passphrase asked for at start
  kCredential,    // a systemd credential (systemd.exec(5), LoadCredential=)
  kInsecureFile,  // beside the token, unprotected: for trials only
};
std::string_view PinSourceName(PinSource source);  // "passphrase", "credential", "insecure-file"
// Errors: kInvalidArgument, naming the three.
[[nodiscard]] Result<PinSource> ParsePinSource(std::string_view name);

// What keeps a room's model run apart from the rest.
enum class Isolation : std::uint8_t { kProcess };

struct ServerConfig {
  std::string listen = "127.0.0.1:8443";  // numeric address and port; [::1]:8443 for IPv6
  std::uint32_t max_body_mib = 256;       // 1 to 4096 MiB in one request
  std::uint32_t max_connections = 256;    // 1 to 65536 at the same time
  std::uint32_t max_document_mib = 128;   // 1 to 4096 MiB in one document, before parsing
  std::uint32_t drain_s = 10;  // 0 to 3600 s that requests in flight get when the server ends
};

// The least key exchange that a hop over TLS must agree on.
enum class TlsMinimum : std::uint8_t {
  kHybrid,     // ML-KEM beside an elliptic curve
  kClassical,  // also without ML-KEM: what is recorded may be read later
};

struct TlsConfig {
  TlsMinimum minimum = TlsMinimum::kHybrid;
  // Addresses or networks of peers held to kClassical although `minimum` is kHybrid.
  std::vector<std::string> classical_from;
  // Key agreement groups in order of preference; at least one, each once.
  std::vector<std::string> groups = {"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"};
  std::vector<std::string> dns_names;     // of the server's certificate, besides "localhost"
  std::vector<std::string> ip_addresses;  // of the server's certificate, besides the loopbacks
};

struct CustodyConfig {
  std::string token;   // PKCS#11 URI (RFC 7512); empty: a SoftHSM2 token of the deployment's own
  std::string module;  // absolute path of the PKCS#11 library; empty: SoftHSM2's (FindModule)
  PinSource pin_source = PinSource::kPassphrase;
  std::string mirror;  // absolute path of the folder with the second copy of the key tree; "none":
                       // there is none, and erasure rests on one copy; empty: not decided
  std::chrono::milliseconds lease{30000};  // 1000 to 600000 ms that a key on loan lives
};

struct RoomsConfig {
  std::uint32_t sequences = 4;  // 1 to 256 answers at the same time in one room
  std::uint32_t threads = 0;    // 0: by the model's size; at most 1024
  Isolation isolation = Isolation::kProcess;
};

// Set when the deployment is made; the custodian holds them under the signed head and refuses to
// start when this file says something else.
struct LabelsConfig {
  std::vector<std::string> order = {"public", "internal", "confidential", "secret"};
  std::string fallback = "internal";  // of what comes without a label; one of `order`
};

struct DeploymentConfig {
  ServerConfig server;
  TlsConfig tls;
  CustodyConfig custody;
  RoomsConfig rooms;
  LabelsConfig labels;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
};

// Reads `path` (at most 64 KiB). Errors: kInvalidArgument: not TOML, an unknown key, a wrong type
// or a value out of range; the message is "FILE:LINE: SETTING: expected ..., found ...", and for an
// unknown key the nearest name there is. kNotFound, kPermissionDenied, kTooLarge: the file.
[[nodiscard]] Result<DeploymentConfig> LoadConfig(const std::filesystem::path& path);
// The same of a text; `file` is how messages call it.
[[nodiscard]] Result<DeploymentConfig> ParseConfig(std::string_view text, std::string_view file);

// The commented file with every setting, as `casemate init` writes it; ParseConfig reads it back to
// the same settings.
std::string FormatConfig(const DeploymentConfig& config);

struct Endpoint {
  std::string address;  // numeric, without brackets
  std::uint16_t port = 0;
};
// "127.0.0.1:8443", "[::1]:8443". Port 0: any free one. Errors: kInvalidArgument.
[[nodiscard]] Result<Endpoint> ParseEndpoint(std::string_view text);

// The PKCS#11 library: `custody.module` where it is set, else SoftHSM2's in the usual places.
// Errors: kNotFound, naming where it was looked for.
[[nodiscard]] Result<std::filesystem::path> FindModule(const CustodyConfig& custody);

}  // namespace casemate::config
