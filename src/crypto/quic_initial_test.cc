#include "crypto/quic_initial.h"

#include <gtest/gtest.h>

namespace casemate::crypto {
namespace {

std::string Hex(ByteView bytes) { return ToHex(bytes); }

// RFC 9001 appendix A.1.
TEST(QuicInitialTest, DerivesTheKeysOfRfc9001) {
  const Bytes id = FromHex("8394c8f03e515708").value();
  const QuicInitialKeys client = DeriveQuicInitialKeys(QuicVersion::k1, id, false);
  EXPECT_EQ(Hex(client.key), "1f369613dd76d5467730efcbe3b1a22d");
  EXPECT_EQ(Hex(client.iv), "fa044b2f42a3fd3b46fb255c");
  EXPECT_EQ(Hex(client.header), "9f50449e04a0e810283a1e9933adedd2");
  const QuicInitialKeys server = DeriveQuicInitialKeys(QuicVersion::k1, id, true);
  EXPECT_EQ(Hex(server.key), "cf3a5331653c364c88f0f379b6067e37");
  EXPECT_EQ(Hex(server.iv), "0ac1493ca1905853b0bba03e");
  EXPECT_EQ(Hex(server.header), "c206b8d9b9f0f37644430b490eeaa314");
}

// RFC 9369 appendix A.1.
TEST(QuicInitialTest, DerivesTheKeysOfVersion2) {
  const Bytes id = FromHex("8394c8f03e515708").value();
  const QuicInitialKeys client = DeriveQuicInitialKeys(QuicVersion::k2, id, false);
  EXPECT_EQ(Hex(client.key), "8b1a0bc121284290a29e0971b5cd045d");
  EXPECT_EQ(Hex(client.iv), "91f73e2351d8fa91660e909f");
  EXPECT_EQ(Hex(client.header), "45b95e15235d6f45a6b19cbcb0294ba9");
}

// RFC 9001 appendix A.2: the mask of the client's first packet.
TEST(QuicInitialTest, MasksTheHeaderOfRfc9001) {
  const QuicInitialKeys keys =
      DeriveQuicInitialKeys(QuicVersion::k1, FromHex("8394c8f03e515708").value(), false);
  EXPECT_EQ(Hex(QuicHeaderMask(keys, FromHex("d1b1c98dd7689fb8ec11d242b123dc9b").value())),
            "437b9aec36");
}

TEST(QuicInitialTest, WhatDoesNotVerifyIsRefused) {
  const QuicInitialKeys keys = DeriveQuicInitialKeys(QuicVersion::k1, {}, false);
  EXPECT_FALSE(OpenQuicInitial(keys, 0, {}, Bytes(15)).has_value());
  EXPECT_FALSE(OpenQuicInitial(keys, 0, {}, Bytes(64)).has_value());
}

}  // namespace
}  // namespace casemate::crypto
