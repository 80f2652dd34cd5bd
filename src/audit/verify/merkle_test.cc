#include "audit/verify/merkle.h"

#include <gtest/gtest.h>

#include <array>
#include <map>

#include "audit/verify/tree_edge.h"

namespace casemate::audit {
namespace {

// The reference tree of certificate-transparency (Apache-2.0), merkletree/merkle_tree_test.cc: its
// eight entries and the roots of its first 1 to 8.
constexpr std::array<std::string_view, 8> kEntries = {"",
                                                      "00",
                                                      "10",
                                                      "2021",
                                                      "3031",
                                                      "40414243",
                                                      "5051525354555657",
                                                      "606162636465666768696a6b6c6d6e6f"};
constexpr std::array<std::string_view, 8> kRoots = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

std::vector<Digest> ReferenceLeaves() {
  std::vector<Digest> leaves;
  for (const std::string_view entry : kEntries) {
    leaves.push_back(LeafHash(FromHex(entry).value()));
  }
  return leaves;
}

std::vector<Digest> NumberedLeaves(std::uint64_t count) {
  std::vector<Digest> leaves;
  for (std::uint64_t i = 0; i < count; ++i) {
    leaves.push_back(LeafHash(AsBytes(std::to_string(i))));
  }
  return leaves;
}

TEST(MerkleTest, TheEmptyTreeIsTheHashOfNothing) {
  // RFC 6962, section 2.1; FIPS 180-4's value.
  EXPECT_EQ(ToHex(EmptyRoot()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(RootHash(0, SourceOf({})).value(), EmptyRoot());
  EXPECT_EQ(TreeEdge().Root(), EmptyRoot());
}

TEST(MerkleTest, RootsAreThoseOfTheReferenceTree) {
  const std::vector<Digest> leaves = ReferenceLeaves();
  TreeEdge edge;
  for (std::size_t size = 1; size <= leaves.size(); ++size) {
    EXPECT_EQ(ToHex(RootHash(size, SourceOf(leaves)).value()), kRoots[size - 1]) << size;
    edge.Append(leaves[size - 1], [](const Tile&, std::span<const Digest>) {});
    EXPECT_EQ(ToHex(edge.Root()), kRoots[size - 1]) << size;
  }
}

TEST(MerkleTest, EveryInclusionProofOfSmallTreesVerifiesAndNoOther) {
  const std::vector<Digest> leaves = NumberedLeaves(20);
  for (std::uint64_t size = 1; size <= leaves.size(); ++size) {
    const Digest root = RootHash(size, SourceOf(leaves)).value();
    for (std::uint64_t index = 0; index < size; ++index) {
      std::vector<Digest> proof = InclusionProof(index, size, SourceOf(leaves)).value();
      EXPECT_TRUE(VerifyInclusion(leaves[index], index, size, proof, root).has_value());
      EXPECT_FALSE(VerifyInclusion(leaves[(index + 1) % 20], index, size, proof, root).has_value());
      EXPECT_FALSE(VerifyInclusion(leaves[index], size, size, proof, root).has_value());
      if (size > 1) {
        EXPECT_FALSE(
            VerifyInclusion(leaves[index], (index + 1) % size, size, proof, root).has_value());
        proof.back()[0] ^= std::byte{1};
        EXPECT_FALSE(VerifyInclusion(leaves[index], index, size, proof, root).has_value());
        proof.pop_back();
        EXPECT_FALSE(VerifyInclusion(leaves[index], index, size, proof, root).has_value());
      }
    }
  }
}

TEST(MerkleTest, EveryConsistencyProofOfSmallTreesVerifiesAndNoOther) {
  const std::vector<Digest> leaves = NumberedLeaves(20);
  for (std::uint64_t size = 1; size <= leaves.size(); ++size) {
    const Digest root = RootHash(size, SourceOf(leaves)).value();
    for (std::uint64_t old_size = 1; old_size <= size; ++old_size) {
      const Digest old_root = RootHash(old_size, SourceOf(leaves)).value();
      std::vector<Digest> proof = ConsistencyProof(old_size, size, SourceOf(leaves)).value();
      EXPECT_TRUE(VerifyConsistency(old_size, old_root, size, root, proof).has_value())
          << old_size << " " << size;
      Digest other = old_root;
      other[31] ^= std::byte{1};
      EXPECT_FALSE(VerifyConsistency(old_size, other, size, root, proof).has_value());
      proof.push_back(root);
      EXPECT_FALSE(VerifyConsistency(old_size, old_root, size, root, proof).has_value());
    }
  }
}

// RFC 6962, section 2.1.3: the proofs of its example tree of 7.
TEST(MerkleTest, ProofsHaveTheNodesOfTheRfcsExample) {
  const std::vector<Digest> d = NumberedLeaves(7);
  const auto range = [&d](std::uint64_t begin, std::uint64_t end) {
    return RangeHash(begin, end, SourceOf(d)).value();
  };
  EXPECT_EQ(InclusionProof(0, 7, SourceOf(d)).value(),
            (std::vector<Digest>{d[1], range(2, 4), range(4, 7)}));
  EXPECT_EQ(InclusionProof(6, 7, SourceOf(d)).value(),
            (std::vector<Digest>{range(4, 6), range(0, 4)}));
  EXPECT_EQ(ConsistencyProof(3, 7, SourceOf(d)).value(),
            (std::vector<Digest>{d[2], d[3], range(0, 2), range(4, 7)}));
  EXPECT_EQ(ConsistencyProof(4, 7, SourceOf(d)).value(), (std::vector<Digest>{range(4, 7)}));
  EXPECT_EQ(ConsistencyProof(6, 7, SourceOf(d)).value(),
            (std::vector<Digest>{range(4, 6), d[6], range(0, 4)}));
}

TEST(MerkleTest, ProofsOutsideTheTreeAreRefused) {
  const std::vector<Digest> leaves = NumberedLeaves(4);
  EXPECT_FALSE(InclusionProof(4, 4, SourceOf(leaves)).has_value());
  EXPECT_FALSE(ConsistencyProof(0, 4, SourceOf(leaves)).has_value());
  EXPECT_FALSE(ConsistencyProof(5, 4, SourceOf(leaves)).has_value());
}

TEST(TreeEdgeTest, GivesTheTilesAndTheRootOfALargerTree) {
  const std::uint64_t size = 70000;
  const std::vector<Digest> leaves = NumberedLeaves(size);
  TreeEdge edge;
  std::map<Tile, std::vector<Digest>> tiles;
  for (const Digest& leaf : leaves) {
    edge.Append(leaf, [&tiles](const Tile& tile, std::span<const Digest> hashes) {
      tiles[tile].assign(hashes.begin(), hashes.end());
    });
  }
  // tlog-tiles: "a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial
  // level 0 tile of width 112, one full level 1 tile, one partial level 1 tile of width 17, and one
  // partial level 2 tile of width 1."
  EXPECT_EQ(tiles.size(), 274U);
  EXPECT_EQ(edge.PartialTiles(), (std::vector<Tile>{{.level = 0, .index = 273, .width = 112},
                                                    {.level = 1, .index = 1, .width = 17},
                                                    {.level = 2, .index = 0, .width = 1}}));
  for (const Tile& tile : edge.PartialTiles()) {
    const std::span<const Digest> hashes = edge.Hashes(tile.level);
    tiles[tile].assign(hashes.begin(), hashes.end());
  }
  const SubtreeSource source =
      SourceOfTiles(size, [&tiles](const Tile& tile) -> Result<std::vector<Digest>> {
        const auto found = tiles.find(tile);
        if (found == tiles.end()) {
          return Fail(ErrorCode::kNotFound, TilePath(tile));
        }
        return found->second;
      });
  EXPECT_EQ(RootHash(size, source).value(), edge.Root());
  EXPECT_EQ(RootHash(size, SourceOf(leaves)).value(), edge.Root());
  for (const std::uint64_t index : {0UL, 255UL, 256UL, 65535UL, 65536UL, 69999UL}) {
    const std::vector<Digest> proof = InclusionProof(index, size, source).value();
    EXPECT_TRUE(VerifyInclusion(leaves[index], index, size, proof, edge.Root()).has_value());
  }
  const Result<TreeEdge> loaded = TreeEdge::Load(
      size, [&tiles](const Tile& tile) -> Result<std::vector<Digest>> { return tiles.at(tile); });
  EXPECT_EQ(loaded.value().Root(), edge.Root());
}

}  // namespace
}  // namespace casemate::audit
