#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "audit/verify/checkpoint.h"
#include "audit/verify/leaf.h"
#include "audit/verify/tree_edge.h"
#include "base/file.h"
#include "secmem/key.h"

// A log made in the plainest way, for tests of what reads it.
namespace casemate::audit {

inline constexpr std::string_view kTestOrigin = "casemate.local/test";

inline Key TestKey(std::uint8_t fill) {
  std::array<std::byte, kKeySize> bytes{};
  bytes.fill(std::byte{fill});
  return Key::TakeFrom(bytes).value();
}

inline std::vector<crypto::SigningKey> TestKeys() {
  std::vector<crypto::SigningKey> keys;
  keys.push_back(
      crypto::SigningKey::FromSeed(crypto::SignatureAlgorithm::kEd25519, TestKey(1)).value());
  keys.push_back(
      crypto::SigningKey::FromSeed(crypto::SignatureAlgorithm::kMlDsa44, TestKey(2)).value());
  return keys;
}

inline std::vector<VerifierKey> TestVerifiers(std::string_view origin = kTestOrigin) {
  std::vector<VerifierKey> verifiers;
  for (const crypto::SigningKey& key : TestKeys()) {
    verifiers.push_back(VerifierKey::Of(origin, key).value());
  }
  return verifiers;
}

inline Leaf TestLeaf(std::uint64_t number) {
  Leaf leaf;
  leaf.type = static_cast<LeafType>(1 + (number % kLastLeafType));
  leaf.unix_ms = 1767225600000 + static_cast<std::int64_t>(number);  // 2026-01-01T00:00:00Z and on
  leaf.tenant.fill(std::byte{0x11});
  leaf.principal.fill(std::byte{0x22});
  leaf.justification = 5;
  leaf.level = 2;
  leaf.actions = 6;
  leaf.count = static_cast<std::uint32_t>(number);
  leaf.epoch = number / 10;
  return leaf;
}

// A fresh folder that is removed at the end.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "casemate-audit-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void WriteTestFile(const std::filesystem::path& path, ByteView content) {
  std::filesystem::create_directories(path.parent_path());
  ASSERT_TRUE(WriteFileAtomically(path, content).has_value());
}

// Tiles, bundles and checkpoint of leaves 0 to size - 1, signed at `unix_seconds`.
inline void WriteTestLog(const std::filesystem::path& folder, std::uint64_t size,
                         std::int64_t unix_seconds = 1767225600) {
  TreeEdge edge;
  Bytes bundle;
  const auto write_tile = [&folder](const Tile& tile, std::span<const Digest> hashes) {
    Bytes content;
    for (const Digest& hash : hashes) {
      Put(content, hash);
    }
    WriteTestFile(folder / TilePath(tile), content);
  };
  for (std::uint64_t i = 0; i < size; ++i) {
    const Bytes entry = EncodeLeaf(TestLeaf(i));
    AddToBundle(bundle, entry);
    edge.Append(LeafHash(entry), write_tile);
    if ((i + 1) % kTileWidth == 0 || i + 1 == size) {
      WriteTestFile(folder / TilePath(TileOf(kEntriesLevel, i, size)), bundle);
      bundle.clear();
    }
  }
  for (const Tile& tile : edge.PartialTiles()) {
    write_tile(tile, edge.Hashes(tile.level));
  }
  const Result<std::string> note =
      SignCheckpoint({.origin = std::string(kTestOrigin), .size = size, .root = edge.Root()},
                     TestKeys(), unix_seconds);
  ASSERT_TRUE(note.has_value());
  WriteTestFile(folder / "checkpoint", AsBytes(*note));
}

}  // namespace casemate::audit
