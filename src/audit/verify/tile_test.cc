#include "audit/verify/tile.h"

#include <gtest/gtest.h>

namespace casemate::audit {
namespace {

// Paths of tlog-tiles: "index 1234067 will be encoded as x001/x234/067".
TEST(TileTest, PathsAreThoseOfTheSpecification) {
  EXPECT_EQ(TilePath({.level = 0, .index = 1234067}), "tile/0/x001/x234/067");
  EXPECT_EQ(TilePath({.level = 63, .index = 0, .width = 1}), "tile/63/000.p/1");
  EXPECT_EQ(TilePath({.level = kEntriesLevel, .index = 1000, .width = 255}),
            "tile/entries/x001/000.p/255");
}

TEST(TileTest, PathsAreReadBack) {
  for (const Tile& tile :
       {Tile{.level = 0, .index = 1234067}, Tile{.level = 63, .index = 999, .width = 17},
        Tile{.level = kEntriesLevel, .index = 1000},
        Tile{.level = 0, .index = (std::uint64_t{1} << 55) - 1}}) {
    EXPECT_EQ(ParseTilePath(TilePath(tile)), tile) << TilePath(tile);
  }
}

TEST(TileTest, OtherPathsAreRefused) {
  for (const std::string_view path : {"",
                                      "tile",
                                      "tile/",
                                      "tile/0",
                                      "tile/0/",
                                      "tile/00/000",
                                      "tile/64/000",
                                      "tile/0/00",
                                      "tile/0/0000",
                                      "tile/0/x000/000",
                                      "tile/0/x001",
                                      "tile/0/001/000",
                                      "tile/0/000.p/0",
                                      "tile/0/000.p/256",
                                      "tile/0/000.p/01",
                                      "tile/0/000.p/",
                                      "tile/-1/000",
                                      "tile/0/+00",
                                      "tile/entries/000/",
                                      "checkpoint",
                                      "tile/0/x001/x001/x001/x001/x001/x001/x001/000"}) {
    EXPECT_EQ(ParseTilePath(path), std::nullopt) << path;
  }
}

TEST(TileTest, ABundleSplitsIntoItsEntriesOnly) {
  Bytes bundle;
  AddToBundle(bundle, AsBytes("one"));
  AddToBundle(bundle, {});
  const Result<std::vector<ByteView>> entries = SplitBundle(bundle, 2);
  ASSERT_TRUE(entries.has_value());
  EXPECT_EQ(AsText((*entries)[0]), "one");
  EXPECT_TRUE((*entries)[1].empty());
  EXPECT_FALSE(SplitBundle(bundle, 1).has_value());
  EXPECT_FALSE(SplitBundle(bundle, 3).has_value());
  EXPECT_FALSE(SplitBundle(ByteView(bundle).first(4), 1).has_value());
}

}  // namespace
}  // namespace casemate::audit
