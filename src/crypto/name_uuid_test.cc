#include "crypto/name_uuid.h"

#include <gtest/gtest.h>

namespace casemate::crypto {
namespace {

constexpr const char* kDns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

TEST(NameUuidTest, TheExampleOfTheStandardComesOut) {
  // RFC 9562, appendix A.4; uuid.uuid5 of Python agrees.
  EXPECT_EQ(NameUuid(kDns, "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(NameUuidTest, AnotherNameOrNamespaceGivesAnotherUuid) {
  EXPECT_EQ(NameUuid(kDns, "a"), NameUuid(kDns, "a"));
  EXPECT_NE(NameUuid(kDns, "a"), NameUuid(kDns, "b"));
  EXPECT_NE(NameUuid(kDns, "a"), NameUuid("6ba7b811-9dad-11d1-80b4-00c04fd430c8", "a"));
}

}  // namespace
}  // namespace casemate::crypto
