#include "flows/quic_hello.h"

#include <gtest/gtest.h>

#include "flows/tls_registry.h"

namespace casemate::flows {
namespace {

// RFC 9001 appendix A.2: the client's first Initial packet, as it is on the wire.
constexpr std::string_view kClientInitial =
    "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936b47d92ec35"
    "6c"
    "0bab7df5976d27cd449f63300099f3991c260ec4c60d17b31f8429157bb35a1282a643a8d2262cad67500cadb8e737"
    "8c"
    "8eb7539ec4d4905fed1bee1fc8aafba17c750e2c7ace01e6005f80fcb7df621230c83711b39343fa028cea7f7fb5ff"
    "89"
    "eac2308249a02252155e2347b63d58c5457afd84d05dfffdb20392844ae812154682e9cf012f9021a6f0be17ddd0c2"
    "08"
    "4dce25ff9b06cde535d0f920a2db1bf362c23e596d11a4f5a6cf3948838a3aec4e15daf8500a6ef69ec4e3feb6b1d9"
    "8e"
    "610ac8b7ec3faf6ad760b7bad1db4ba3485e8a94dc250ae3fdb41ed15fb6a8e5eba0fc3dd60bc8e30c5c4287e53805"
    "db"
    "059ae0648db2f64264ed5e39be2e20d82df566da8dd5998ccabdae053060ae6c7b4378e846d29f37ed7b4ea9ec5d82"
    "e7"
    "961b7f25a9323851f681d582363aa5f89937f5a67258bf63ad6f1a0b1d96dbd4faddfcefc5266ba6611722395c9065"
    "56"
    "be52afe3f565636ad1b17d508b73d8743eeb524be22b3dcbc2c7468d54119c7468449a13d8e3b95811a198f3491de3"
    "e7"
    "fe942b330407abf82a4ed7c1b311663ac69890f4157015853d91e923037c227a33cdd5ec281ca3f79c44546b9d90ca"
    "00"
    "f064c99e3dd97911d39fe9c5d0b23a229a234cb36186c4819e8b9c5927726632291d6a418211cc2962e20fe47feb3e"
    "df"
    "330f2c603a9d48c0fcb5699dbfe5896425c5bac4aee82e57a85aaf4e2513e4f05796b07ba2ee47d80506f8d2c25e50"
    "fd"
    "14de71e6c418559302f939b0e1abd576f279c4b2e0feb85c1f28ff18f58891ffef132eef2fa09346aee33c28eb130f"
    "f2"
    "8f5b766953334113211996d20011a198e3fc433f9f2541010ae17c1bf202580f6047472fb36857fe843b19f5984009"
    "dd"
    "c324044e847a4f4a0ab34f719595de37252d6235365e9b84392b061085349d73203a4a13e96f5432ec0fd4a1ee65ac"
    "cd"
    "d5e3904df54c1da510b0ff20dcc0c77fcb2c0e0eb605cb0504db87632cf3d8b4dae6e705769d1de354270123cb1145"
    "0e"
    "fc60ac47683d7b8d0f811365565fd98c4c8eb936bcab8d069fc33bd801b03adea2e1fbc5aa463d08ca19896d2bf59a"
    "07"
    "1b851e6c239052172f296bfb5e72404790a2181014f3b94a4e97d117b438130368cc39dbb2d198065ae3986547926c"
    "d2"
    "162f40a29f0c3c8745c0f50fba3852e566d44575c29d39a03f0cda721984b6f440591f355e12d439ff150aab761349"
    "9d"
    "bd49adabc8676eef023b15b65bfc5ca06948109f23f350db82123535eb8a7433bdabcb909271a6ecbcb58b936a88cd"
    "4e"
    "8f2e6ff5800175f113253d8fa9ca8885c2f552e657dc603f252e1a8e308f76f0be79e2fb8f5d5fbbe2e30ecadd2207"
    "23"
    "c8c0aea8078cdfcb3868263ff8f0940054da48781893a7e49ad5aff4af300cd804a6b6279ab3ff3afb64491c85194a"
    "ab"
    "760d58a606654f9f4400e8b38591356fbf6425aca26dc85244259ff2b19c41b9f96f3ca9ec1dde434da7d2d392b905"
    "dd"
    "f3d1f9af93d1af5950bd493f5aa731b4056df31bd267b6b90a079831aaf579be0a39013137aac6d404f518cfd46840"
    "64"
    "7e78bfe706ca4cf5e9c5453e9f7cfd2b8b4c8d169a44e55c88d4a9a7f9474241e221af44860018ab0856972e194cd9"
    "34";

// Appendix A.3: the server's answer.
constexpr std::string_view kServerInitial =
    "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780b"
    "b3"
    "8cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb"
    "84"
    "022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee";

Bytes Hex(std::string_view text) { return FromHex(text).value(); }

TEST(QuicHandshakeTest, ReadsTheConversationOfRfc9001) {
  QuicHandshake quic;
  const Bytes client = Hex(kClientInitial);
  ASSERT_EQ(client.size(), 1200U);
  ASSERT_TRUE(QuicHandshake::LooksLikeInitial(client));
  const Result<void> first = quic.Client(client);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  ASSERT_TRUE(quic.offer().has_value());
  EXPECT_EQ(quic.offer()->server_name, "example.com");
  EXPECT_EQ(quic.offer()->groups, (std::vector{kX25519, kSecp256r1, kSecp384r1}));
  EXPECT_EQ(quic.offer()->shares, std::vector{kX25519});
  const Result<void> second = quic.Server(Hex(kServerInitial));
  ASSERT_TRUE(second.has_value()) << second.error().message;
  ASSERT_TRUE(quic.answer().has_value());
  EXPECT_EQ(quic.answer()->group, kX25519);
  EXPECT_EQ(quic.answer()->version, kTls13);
}

TEST(QuicHandshakeTest, AChangedPacketDoesNotOpen) {
  for (const std::size_t at : {20U, 600U, 1199U}) {
    QuicHandshake quic;
    Bytes client = Hex(kClientInitial);
    client[at] ^= std::byte{1};
    EXPECT_FALSE(quic.Client(client).has_value()) << at;
    EXPECT_FALSE(quic.offer().has_value());
  }
}

TEST(QuicHandshakeTest, ACutPacketIsRefusedAndOtherDatagramsArePassedOver) {
  const Bytes client = Hex(kClientInitial);
  for (const std::size_t size : {6U, 17U, 30U, 1199U}) {
    QuicHandshake quic;
    EXPECT_FALSE(quic.Client(ByteView(client).first(size)).has_value()) << size;
  }
  QuicHandshake quic;
  EXPECT_TRUE(quic.Client(Hex("4000112233")).has_value());  // a short header
  EXPECT_FALSE(quic.offer().has_value());
  EXPECT_FALSE(QuicHandshake::LooksLikeInitial(ByteView(client).first(1000)));
}

TEST(QuicHandshakeTest, WhatIsHeldIsCounted) {
  QuicHandshake quic;
  EXPECT_EQ(quic.held(), 0U);
  ASSERT_TRUE(quic.Client(Hex(kClientInitial)).has_value());
  EXPECT_EQ(quic.held(), 241U);  // the ClientHello of appendix A.2
}

}  // namespace
}  // namespace casemate::flows
