#include "net/tls_policy.h"

#include <gtest/gtest.h>

namespace casemate::net {
namespace {

TEST(TlsPolicyTest, ContextsOfBothSidesTakeHybridGroupsOnly) {
  for (const TlsSide side : {TlsSide::kAccepts, TlsSide::kMakes}) {
    EXPECT_TRUE(MakeTlsContext(side, {}).has_value());
    EXPECT_TRUE(MakeTlsContext(side, {.minimum = TlsMinimum::kClassical}).has_value());
    for (const char* group : {"X25519", "MLKEM768", "DEFAULT", "X25519MLKEM768:X25519",
                              "*X25519MLKEM768", "NOSUCHMLKEM768", ""}) {
      const Result<SslContext> context = MakeTlsContext(side, {.groups = {group}});
      ASSERT_FALSE(context.has_value()) << group;
      EXPECT_EQ(context.error().code, ErrorCode::kInvalidArgument) << group;
    }
    EXPECT_FALSE(MakeTlsContext(side, {.groups = {}}).has_value());
  }
  EXPECT_NE(MakeProbeContext(), nullptr);
}

TEST(TlsPolicyTest, ARefusalIsNamedAfterWhatTheClientLacks) {
  EXPECT_EQ(RefusalReason(true, {}), "timeout");
  EXPECT_EQ(RefusalReason(false, {}), "other");
  EXPECT_EQ(RefusalReason(false, {.groups = "x25519", .versions = ""}), "version");
  EXPECT_EQ(RefusalReason(false, {.groups = "x25519", .versions = "0x0304"}), "classical");
  EXPECT_EQ(RefusalReason(false, {.groups = "X25519MLKEM768:x25519", .versions = "0x0304"}),
            "other");
}

TEST(TlsPolicyTest, WhatIsNoCertificateHasADigestOnly) {
  const Bytes garbage(10, std::byte{1});
  const std::shared_ptr<const HopCertificate> described = DescribeCertificate(garbage, false);
  EXPECT_EQ(described->sha256.size(), 64U);
  EXPECT_TRUE(described->subject.empty());
}

}  // namespace
}  // namespace casemate::net
