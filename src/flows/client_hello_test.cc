#include "flows/client_hello.h"

#include <gtest/gtest.h>

#include "flows/reader.h"
#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

// Reads a hello back to its extensions by the layout of RFC 8446 section 4.1.2.
Bytes ExtensionOf(const Bytes& record, std::uint16_t wanted) {
  Reader reader(record);
  EXPECT_EQ(reader.U8(), 22);
  EXPECT_EQ(reader.U16(), kTls10);
  Reader message = reader.Block(2);
  EXPECT_EQ(message.U8(), 1);
  Reader body = message.Block(3);
  EXPECT_EQ(body.U16(), kTls12);
  body.Take(32);
  body.Block(1);
  body.Block(2);
  body.Block(1);
  Reader extensions = body.Block(2);
  EXPECT_TRUE(body.empty());
  EXPECT_TRUE(reader.empty());
  while (!extensions.empty()) {
    const std::uint16_t type = extensions.U16();
    const ByteView content = extensions.Block(2).rest();
    if (type == wanted) {
      return {content.begin(), content.end()};
    }
  }
  EXPECT_FALSE(extensions.failed());
  return {};
}

TEST(ClientHelloTest, OffersWhatItWasAskedToInThatOrder) {
  const Bytes hello = BuildClientHello({.server_name = "llm.example",
                                        .versions = {kTls13},
                                        .groups = {kX25519MlKem768, kX25519},
                                        .shares = {kX25519}});
  EXPECT_EQ(ToHex(ExtensionOf(hello, 10)), "000411ec001d");
  EXPECT_EQ(ToHex(ExtensionOf(hello, 43)), "020304");
  const Bytes shares = ExtensionOf(hello, 51);
  EXPECT_EQ(ToHex(ByteView(shares).first(6)), "0024001d0020");
  const Bytes name = ExtensionOf(hello, 0);
  EXPECT_EQ(AsText(ByteView(name).subspan(5)), "llm.example");
}

TEST(ClientHelloTest, AnAddressIsNoServerName) {
  for (const std::string name : {"127.0.0.1", "::1", ""}) {
    EXPECT_TRUE(ExtensionOf(BuildClientHello({.server_name = name,
                                              .versions = {kTls13},
                                              .groups = {kX25519},
                                              .shares = {kX25519}}),
                            0)
                    .empty())
        << name;
  }
}

TEST(ClientHelloTest, AnOldVersionHasNoSupportedVersions) {
  const Bytes hello = BuildClientHello({.versions = {kTls12}, .groups = {kX25519}});
  EXPECT_TRUE(ExtensionOf(hello, 43).empty());
  EXPECT_TRUE(ExtensionOf(hello, 51).empty());
  EXPECT_EQ(ToHex(ExtensionOf(hello, 11)), "0100");
}

TEST(ClientHelloTest, SharesHaveTheSizesOfTheStandard) {
  for (const NamedGroup& group : NamedGroups()) {
    EXPECT_EQ(MakeShare(group.id).size(), group.share_bytes) << group.name;
  }
}

// FIPS 203 section 7.2: a server refuses a key with a coefficient of q or more.
TEST(ClientHelloTest, MlKemKeysPassTheModulusCheck) {
  for (int round = 0; round < 20; ++round) {
    const Bytes key = MakeShare(kMlKem768);
    for (std::size_t i = 0; i < 1152; i += 3) {
      const unsigned low = std::to_integer<unsigned>(key[i]);
      const unsigned middle = std::to_integer<unsigned>(key[i + 1]);
      const unsigned high = std::to_integer<unsigned>(key[i + 2]);
      EXPECT_LT(low | (middle & 0x0FU) << 8, 3329U);
      EXPECT_LT(middle >> 4 | high << 4, 3329U);
    }
  }
}

}  // namespace
}  // namespace casemate::flows
