#include "config/deployment_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace casemate::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Refusal(std::string_view text) {
  const Result<DeploymentConfig> config = ParseConfig(text, "config.toml");
  if (config) {
    return "accepted";
  }
  EXPECT_EQ(config.error().code, ErrorCode::kInvalidArgument);
  return config.error().message;
}

TEST(DeploymentConfigTest, AnEmptyFileIsTheDefaults) {
  const Result<DeploymentConfig> config = ParseConfig("", "config.toml");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->server.listen, "127.0.0.1:8443");
  EXPECT_EQ(config->server.max_body_mib, 256U);
  EXPECT_EQ(config->tls.minimum, TlsMinimum::kHybrid);
  EXPECT_THAT(config->tls.groups,
              ElementsAre("X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"));
  EXPECT_EQ(config->custody.pin_source, PinSource::kPassphrase);
  EXPECT_EQ(config->custody.lease, std::chrono::seconds(30));
  EXPECT_EQ(config->rooms.sequences, 4U);
  EXPECT_EQ(config->log_level, LogLevel::kInfo);
}

TEST(DeploymentConfigTest, TheWrittenFileReadsBackAsTheSameSettings) {
  DeploymentConfig config;
  config.server.listen = "[::1]:9443";
  config.server.max_connections = 7;
  config.tls.minimum = TlsMinimum::kClassical;
  config.tls.classical_from = {"10.1.0.0/16"};
  config.tls.dns_names = {"casemate.example.com", "*.example.org"};
  config.tls.ip_addresses = {"192.0.2.7", "2001:db8::7"};
  config.custody.token = "pkcs11:token=Hospital%20HSM";
  config.custody.module = "/opt/a \"vendor\"\\x/lib.so";
  config.custody.pin_source = PinSource::kCredential;
  config.custody.mirror = "none";
  config.custody.lease = std::chrono::milliseconds(1500);
  config.rooms.threads = 3;
  config.log_level = LogLevel::kDebug;

  const std::string text = FormatConfig(config);
  const Result<DeploymentConfig> read = ParseConfig(text, "config.toml");

  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(FormatConfig(*read), text);
  EXPECT_EQ(read->server.listen, config.server.listen);
  EXPECT_EQ(read->custody.module, config.custody.module);
  EXPECT_EQ(read->custody.lease, config.custody.lease);
  EXPECT_EQ(read->custody.pin_source, config.custody.pin_source);
  EXPECT_EQ(read->tls.ip_addresses, config.tls.ip_addresses);
}

TEST(DeploymentConfigTest, TheWrittenFileNamesEverySettingOnceWithAComment) {
  const std::string text = FormatConfig(DeploymentConfig());
  for (const std::string_view key :
       {"listen", "max_body_mib", "max_connections", "max_document_mib", "minimum",
        "classical_from", "groups", "dns_names", "ip_addresses", "token", "module", "pin_source",
        "mirror", "lease_ms", "sequences", "threads", "isolation", "level"}) {
    const std::string line = "\n" + std::string(key) + " = ";
    const std::size_t at = text.find(line);
    ASSERT_NE(at, std::string::npos) << key;
    EXPECT_EQ(text.find(line, at + 1), std::string::npos) << key;
    EXPECT_EQ(text[text.rfind('\n', at - 1) + 1], '#') << key;
  }
}

TEST(DeploymentConfigTest, AnUnknownNameIsRefusedWithItsLineAndTheNearestOne) {
  EXPECT_EQ(Refusal("[server]\nlisten = \"127.0.0.1:1\"\nmax_conections = 3\n"),
            "config.toml:3: [server]: expected a known name, found 'max_conections'; the nearest "
            "is 'max_connections'");
  EXPECT_THAT(Refusal("\n[sever]\n"), HasSubstr("config.toml:2: "));
  EXPECT_THAT(Refusal("\n[#server]\n"), HasSubstr("config.toml:2: expected TOML"));
  EXPECT_THAT(Refusal("\n[sever]\n"), HasSubstr("the nearest is [server]"));
  EXPECT_THAT(Refusal("listen = \"127.0.0.1:8443\"\n"), HasSubstr("found 'listen'"));
}

TEST(DeploymentConfigTest, AWrongTypeIsRefused) {
  EXPECT_EQ(Refusal("[server]\nmax_body_mib = \"256\"\n"),
            "config.toml:2: server.max_body_mib: expected a whole number, found a string");
  EXPECT_THAT(Refusal("[tls]\nhybrid_only = 1\n"), HasSubstr("expected true or false"));
  EXPECT_THAT(Refusal("[tls]\ngroups = [1]\n"), HasSubstr("expected a list of strings"));
  EXPECT_THAT(Refusal("server = 3\n"), HasSubstr("expected a section [server]"));
}

TEST(DeploymentConfigTest, TheOlderNameOfTheMinimumIsStillRead) {
  EXPECT_EQ(ParseConfig("[tls]\nhybrid_only = false\n", "f")->tls.minimum, TlsMinimum::kClassical);
  EXPECT_EQ(ParseConfig("[tls]\nhybrid_only = true\n", "f")->tls.minimum, TlsMinimum::kHybrid);
  EXPECT_THAT(Refusal("[tls]\nminimum = \"classical\"\nhybrid_only = true\n"),
              HasSubstr("config.toml:3: tls.hybrid_only: expected only 'minimum'"));
  EXPECT_THAT(FormatConfig({}), ::testing::Not(HasSubstr("hybrid_only")));
}

TEST(DeploymentConfigTest, PeersHeldToLessAreAddressesOrNetworks) {
  const Result<DeploymentConfig> config = ParseConfig(
      "[tls]\nclassical_from = [\"192.0.2.7\", \"10.1.0.0/16\", \"2001:db8::/32\"]\n", "f");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->tls.classical_from.size(), 3U);
  for (const char* wrong : {"host.example", "10.1.2.3/8", "10.0.0.0/33", "10.0.0.0/", "::/129"}) {
    EXPECT_THAT(Refusal("[tls]\nclassical_from = [\"" + std::string(wrong) + "\"]\n"),
                HasSubstr("expected an address or a network"));
  }
  EXPECT_THAT(Refusal("[tls]\nminimum = \"none\"\n"), HasSubstr("\"hybrid\", \"classical\""));
}

TEST(DeploymentConfigTest, ValuesOutOfRangeAreRefused) {
  EXPECT_EQ(Refusal("[rooms]\nsequences = 0\n"),
            "config.toml:2: rooms.sequences: expected a number from 1 to 256, found 0");
  EXPECT_THAT(Refusal("[server]\nmax_body_mib = 4097\n"), HasSubstr("from 1 to 4096"));
  EXPECT_THAT(Refusal("[server]\nmax_body_mib = -1\n"), HasSubstr("found -1"));
  EXPECT_THAT(Refusal("[custody]\nlease_ms = 999\n"), HasSubstr("from 1000 to 600000"));
  EXPECT_THAT(Refusal("[server]\nlisten = \"localhost:8443\"\n"), HasSubstr("numeric address"));
  EXPECT_THAT(Refusal("[tls]\ngroups = []\n"), HasSubstr("1 to 64"));
  EXPECT_THAT(Refusal("[tls]\ngroups = [\"X25519\"]\n"), HasSubstr("found 'X25519'"));
  EXPECT_THAT(Refusal("[tls]\ngroups = [\"X25519MLKEM768\", \"X25519MLKEM768\"]\n"),
              HasSubstr("twice"));
  EXPECT_THAT(Refusal("[tls]\ndns_names = [\"a b\"]\n"), HasSubstr("a DNS name"));
  EXPECT_THAT(Refusal("[tls]\nip_addresses = [\"300.1.1.1\"]\n"), HasSubstr("numeric IP address"));
  EXPECT_THAT(Refusal("[custody]\nmirror = \"relative\"\n"), HasSubstr("absolute path"));
  EXPECT_THAT(Refusal("[custody]\nmodule = \"lib.so\"\n"), HasSubstr("absolute path"));
  EXPECT_THAT(Refusal("[custody]\npin_source = \"file\"\n"), HasSubstr("\"insecure-file\""));
  EXPECT_THAT(Refusal("[rooms]\nisolation = \"vm\"\n"), HasSubstr("expected \"process\""));
  EXPECT_THAT(Refusal("[log]\nlevel = \"loud\"\n"), HasSubstr("\"warning\""));
}

TEST(DeploymentConfigTest, APinInTheTokensUriIsRefusedAndNotRepeated) {
  const std::string refusal = Refusal("[custody]\ntoken = \"pkcs11:token=a?pin-value=1234\"\n");
  EXPECT_THAT(refusal, HasSubstr("without pin-value"));
  EXPECT_THAT(refusal, testing::Not(HasSubstr("1234")));
}

TEST(DeploymentConfigTest, WhatIsNotTomlIsRefusedWithItsLine) {
  EXPECT_THAT(Refusal("[server]\nlisten = \n"), HasSubstr("config.toml:2: expected TOML"));
  EXPECT_THAT(Refusal("[server]\nlisten = \"a\"\nlisten = \"b\"\n"), HasSubstr("config.toml:3: "));
}

TEST(DeploymentConfigTest, AFileIsLoadedAndAMissingOneIsNotFound) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "deployment_config_test.toml";
  std::ofstream(path) << "[log]\nlevel = \"error\"\n";
  const Result<DeploymentConfig> config = LoadConfig(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->log_level, LogLevel::kError);

  const Result<DeploymentConfig> missing = LoadConfig(path);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

TEST(EndpointTest, AddressesAndPortsAreTakenApart) {
  const Result<Endpoint> v4 = ParseEndpoint("0.0.0.0:8443");
  ASSERT_TRUE(v4.has_value());
  EXPECT_EQ(v4->address, "0.0.0.0");
  EXPECT_EQ(v4->port, 8443);
  const Result<Endpoint> v6 = ParseEndpoint("[::1]:0");
  ASSERT_TRUE(v6.has_value());
  EXPECT_EQ(v6->address, "::1");
  EXPECT_EQ(v6->port, 0);
}

TEST(EndpointTest, AnythingElseIsRefused) {
  for (const std::string_view text :
       {"", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8 ", "::1:80",
        "[127.0.0.1]:80", "[]:80", "example.com:80", "127.0.0.1:-1"}) {
    EXPECT_FALSE(ParseEndpoint(text).has_value()) << text;
  }
}

TEST(FindModuleTest, ASetPathThatIsNoFileIsRefused) {
  CustodyConfig custody;
  custody.module = "/nowhere/lib.so";
  const Result<std::filesystem::path> module = FindModule(custody);
  ASSERT_FALSE(module.has_value());
  EXPECT_EQ(module.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(module.error().message, HasSubstr("/nowhere/lib.so"));
}

TEST(FindModuleTest, ASetFileIsTaken) {
  CustodyConfig custody;
  custody.module = "/proc/self/status";
  EXPECT_EQ(FindModule(custody).value(), "/proc/self/status");
}

}  // namespace
}  // namespace casemate::config
