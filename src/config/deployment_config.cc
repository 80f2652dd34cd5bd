#include "config/deployment_config.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <system_error>

#include "base/bytes.h"
#include "base/file.h"
#include "config/setting.h"

namespace casemate::config {
namespace {

constexpr std::size_t kMaxFileBytes = 64 * 1024;

// A TOML basic string (TOML 1.0, section "String").
std::string TomlString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00" + ToHex(AsBytes(std::string_view(&c, 1)));
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

std::string TomlValue(const Value& value) {
  if (const bool* flag = std::get_if<bool>(&value)) {
    return *flag ? "true" : "false";
  }
  if (const std::int64_t* number = std::get_if<std::int64_t>(&value)) {
    return std::to_string(*number);
  }
  if (const std::string* text = std::get_if<std::string>(&value)) {
    return TomlString(*text);
  }
  std::string out;
  for (const std::string& item : std::get<std::vector<std::string>>(value)) {
    out += (out.empty() ? "" : ", ") + TomlString(item);
  }
  return "[" + out + "]";
}

std::string Commented(std::string_view comment) {
  std::string out = "# ";
  for (const char c : comment) {
    out.push_back(c);
    if (c == '\n') {
      out += "# ";
    }
  }
  return out + "\n";
}

}  // namespace

std::string_view PinSourceName(PinSource source) {
  switch (source) {
    case PinSource::kPassphrase:
      return "passphrase";
    case PinSource::kCredential:
      return "credential";
    case PinSource::kInsecureFile:
      return "insecure-file";
  }
  return "unknown";
}

Result<PinSource> ParsePinSource(std::string_view name) {
  for (const PinSource source :
       {PinSource::kPassphrase, PinSource::kCredential, PinSource::kInsecureFile}) {
    if (name == PinSourceName(source)) {
      return source;
    }
  }
  return Fail(ErrorCode::kInvalidArgument,
              "PIN source: expected passphrase, credential or insecure-file");
}

Result<DeploymentConfig> LoadConfig(const std::filesystem::path& path) {
  const Result<Bytes> content = ReadFile(path, kMaxFileBytes);
  if (!content) {
    return std::unexpected(content.error());
  }
  return ParseConfig(AsText(*content), path.string());
}

std::string FormatConfig(const DeploymentConfig& config) {
  std::string out =
      "# Settings of this Casemate deployment (TOML 1.0). What is left out has the value that\n"
      "# `casemate init` writes; unknown names are refused. Read at start.\n";
  std::string_view section;
  for (const Setting& setting : Settings()) {
    if (!setting.replaced_by.empty()) {
      continue;
    }
    if (setting.section != section) {
      section = setting.section;
      out += "\n[" + std::string(section) + "]\n";
    }
    out += Commented(setting.comment) + std::string(setting.key) + " = " +
           TomlValue(setting.get(config)) + "\n";
  }
  return out;
}

Result<Endpoint> ParseEndpoint(std::string_view text) {
  const auto refuse = [text] {
    return Fail(ErrorCode::kInvalidArgument,
                "expected a numeric address and a port such as \"127.0.0.1:8443\" or "
                "\"[::1]:8443\", found " +
                    (text.size() <= 80 ? TomlString(text) : "something longer"));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return refuse();
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  int family = AF_INET;
  if (host.starts_with('[') && host.ends_with(']') && host.size() > 2) {
    host = host.substr(1, host.size() - 2);
    family = AF_INET6;
  }
  Endpoint endpoint{.address = std::string(host), .port = 0};
  std::array<unsigned char, 16> bytes{};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      ::inet_pton(family, endpoint.address.c_str(), bytes.data()) != 1 ||
      endpoint.address.size() != host.size()) {
    return refuse();
  }
  return endpoint;
}

Result<std::filesystem::path> FindModule(const CustodyConfig& custody) {
  std::error_code ignored;
  if (!custody.module.empty()) {
    if (std::filesystem::is_regular_file(custody.module, ignored)) {
      return std::filesystem::path(custody.module);
    }
    return Fail(ErrorCode::kNotFound, "custody.module: no file " + custody.module);
  }
  const std::filesystem::path lib = "/usr/lib";
  std::vector<std::filesystem::path> places = {
      lib / "softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so",
      "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"};
  for (const auto& folder : std::filesystem::directory_iterator(lib, ignored)) {
    places.push_back(folder.path() / "softhsm/libsofthsm2.so");
  }
  for (const std::filesystem::path& place : places) {
    if (std::filesystem::is_regular_file(place, ignored)) {
      return place;
    }
  }
  return Fail(ErrorCode::kNotFound,
              "no PKCS#11 library: looked for softhsm/libsofthsm2.so in /usr/lib, /usr/lib/*, "
              "/usr/lib64 and /usr/local/lib; install SoftHSM2 or set custody.module");
}

}  // namespace casemate::config
