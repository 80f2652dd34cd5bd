#include "base/id.h"

#include <gtest/gtest.h>

namespace casemate {
namespace {

TEST(IdTest, TextFormHasThePrefixAndComesBack) {
  FileId::Array bytes{};
  bytes[0] = std::byte{0xff};
  const FileId id(bytes);
  EXPECT_EQ(id.ToString().size(), std::string_view("file-").size() + 26);
  EXPECT_EQ(FileId::Parse(id.ToString()).value(), id);
}

TEST(IdTest, ParseRefusesAnotherKindOfId) {
  EXPECT_FALSE(FileId::Parse(CollectionId().ToString()).has_value());
}

TEST(IdTest, ParseRefusesWrongLengths) {
  const std::string good = FileId().ToString();
  EXPECT_FALSE(FileId::Parse(good.substr(0, good.size() - 1)).has_value());
  EXPECT_FALSE(FileId::Parse(good + "a").has_value());
  EXPECT_FALSE(FileId::Parse("file-").has_value());
}

}  // namespace
}  // namespace casemate
