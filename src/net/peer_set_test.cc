#include "net/peer_set.h"

#include <gtest/gtest.h>

namespace casemate::net {
namespace {

PeerSet Set(std::vector<std::string> entries) { return PeerSet::Parse(entries).value(); }

TEST(PeerSetTest, AnAddressIsItselfOnly) {
  const PeerSet set = Set({"192.0.2.7", "2001:db8::7"});
  EXPECT_TRUE(set.Has("192.0.2.7"));
  EXPECT_FALSE(set.Has("192.0.2.8"));
  EXPECT_TRUE(set.Has("2001:db8:0::7"));
  EXPECT_FALSE(set.Has("2001:db8::8"));
  EXPECT_FALSE(set.Has("uid 0"));
  EXPECT_FALSE(set.Has(""));
}

TEST(PeerSetTest, APrefixEndsAtItsBit) {
  const PeerSet set = Set({"10.1.128.0/17", "2001:db8::/33"});
  EXPECT_TRUE(set.Has("10.1.128.0"));
  EXPECT_TRUE(set.Has("10.1.255.255"));
  EXPECT_FALSE(set.Has("10.1.127.255"));
  EXPECT_TRUE(set.Has("2001:db8:7fff::1"));
  EXPECT_FALSE(set.Has("2001:db8:8000::1"));
}

TEST(PeerSetTest, EverybodyOfOneFamilyIsPrefixZero) {
  const PeerSet set = Set({"0.0.0.0/0"});
  EXPECT_TRUE(set.Has("203.0.113.9"));
  EXPECT_FALSE(set.Has("::1"));
}

TEST(PeerSetTest, WhatIsNoNetworkIsRefused) {
  for (const char* entry : {"", "example.com", "10.0.0.1/33", "10.0.0.1/8", "10.0.0.0/",
                            "10.0.0.0/x", "2001:db8::/129", "10.0.0", "1.2.3.4/-1", "::1/64"}) {
    const std::vector<std::string> entries = {entry};
    const Result<PeerSet> set = PeerSet::Parse(entries);
    ASSERT_FALSE(set.has_value()) << entry;
    EXPECT_EQ(set.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(PeerSetTest, AnEmptySetHasNobody) { EXPECT_FALSE(PeerSet().Has("127.0.0.1")); }

}  // namespace
}  // namespace casemate::net
