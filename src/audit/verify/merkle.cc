#include "audit/verify/merkle.h"

#include <array>
#include <bit>

namespace casemate::audit {
namespace {

constexpr std::array<std::byte, 1> kLeafPrefix = {std::byte{0}};
constexpr std::byte kNodePrefix{1};

// The largest power of two below `size` (size > 1): where RFC 6962 splits.
std::uint64_t SplitOf(std::uint64_t size) { return std::bit_floor(size - 1); }

std::unexpected<Error> BadProof(std::string_view what) {
  return Fail(ErrorCode::kIntegrityFailure, std::string(what) + " proof does not verify");
}

// PATH and SUBPROOF work on D[begin : end]; `begin` is a multiple of the range's leading subtree.
Result<void> AddPath(std::uint64_t index, std::uint64_t begin, std::uint64_t end,
                     const SubtreeSource& source, std::vector<Digest>& proof) {
  if (end - begin == 1) {
    return {};
  }
  const std::uint64_t middle = begin + SplitOf(end - begin);
  const bool left = index < middle;
  if (Result<void> deeper =
          AddPath(index, left ? begin : middle, left ? middle : end, source, proof);
      !deeper) {
    return deeper;
  }
  const Result<Digest> sibling =
      left ? RangeHash(middle, end, source) : RangeHash(begin, middle, source);
  if (!sibling) {
    return std::unexpected(sibling.error());
  }
  proof.push_back(*sibling);
  return {};
}

// `whole`: the old tree's root is this range's and known to the verifier (SUBPROOF's b).
Result<void> AddSubproof(std::uint64_t old_end, std::uint64_t begin, std::uint64_t end, bool whole,
                         const SubtreeSource& source, std::vector<Digest>& proof) {
  Result<Digest> hash = Digest{};
  if (old_end == end) {
    if (whole) {
      return {};
    }
    hash = RangeHash(begin, end, source);
  } else {
    const std::uint64_t middle = begin + SplitOf(end - begin);
    const bool left = old_end <= middle;
    if (Result<void> deeper = left ? AddSubproof(old_end, begin, middle, whole, source, proof)
                                   : AddSubproof(old_end, middle, end, false, source, proof);
        !deeper) {
      return deeper;
    }
    hash = left ? RangeHash(middle, end, source) : RangeHash(begin, middle, source);
  }
  if (!hash) {
    return std::unexpected(hash.error());
  }
  proof.push_back(*hash);
  return {};
}

}  // namespace

Digest LeafHash(ByteView entry) { return crypto::Sha256(kLeafPrefix, entry); }

Digest NodeHash(const Digest& left, const Digest& right) {
  std::array<std::byte, 1 + (2 * sizeof(Digest))> input{};
  input[0] = kNodePrefix;
  std::ranges::copy(left, input.begin() + 1);
  std::ranges::copy(right, input.begin() + 1 + sizeof(Digest));
  return crypto::Sha256(input);
}

Digest EmptyRoot() { return crypto::Sha256({}); }

SubtreeSource SourceOf(std::span<const Digest> leaf_hashes) {
  return [leaf_hashes](unsigned height, std::uint64_t index) -> Result<Digest> {
    std::vector<Digest> level(leaf_hashes.begin() + (index << height),
                              leaf_hashes.begin() + ((index + 1) << height));
    while (level.size() > 1) {
      for (std::size_t i = 0; i < level.size() / 2; ++i) {
        level[i] = NodeHash(level[2 * i], level[(2 * i) + 1]);
      }
      level.resize(level.size() / 2);
    }
    return level[0];
  };
}

Result<Digest> RangeHash(std::uint64_t begin, std::uint64_t end, const SubtreeSource& source) {
  const std::uint64_t size = end - begin;
  if (std::has_single_bit(size) && begin % size == 0) {
    return source(static_cast<unsigned>(std::countr_zero(size)), begin / size);
  }
  const std::uint64_t middle = begin + SplitOf(size);
  const Result<Digest> left = RangeHash(begin, middle, source);
  if (!left) {
    return left;
  }
  const Result<Digest> right = RangeHash(middle, end, source);
  if (!right) {
    return right;
  }
  return NodeHash(*left, *right);
}

Result<Digest> RootHash(std::uint64_t size, const SubtreeSource& source) {
  return size == 0 ? EmptyRoot() : RangeHash(0, size, source);
}

Result<std::vector<Digest>> InclusionProof(std::uint64_t index, std::uint64_t size,
                                           const SubtreeSource& source) {
  if (index >= size) {
    return Fail(ErrorCode::kInvalidArgument,
                "entry " + std::to_string(index) + " is not in a tree of " + std::to_string(size));
  }
  std::vector<Digest> proof;
  if (Result<void> added = AddPath(index, 0, size, source, proof); !added) {
    return std::unexpected(added.error());
  }
  return proof;
}

Result<std::vector<Digest>> ConsistencyProof(std::uint64_t old_size, std::uint64_t size,
                                             const SubtreeSource& source) {
  if (old_size == 0 || old_size > size) {
    return Fail(ErrorCode::kInvalidArgument, "no consistency proof from a tree of " +
                                                 std::to_string(old_size) + " to one of " +
                                                 std::to_string(size));
  }
  std::vector<Digest> proof;
  if (Result<void> added = AddSubproof(old_size, 0, size, true, source, proof); !added) {
    return std::unexpected(added.error());
  }
  return proof;
}

Result<void> VerifyInclusion(const Digest& leaf_hash, std::uint64_t index, std::uint64_t size,
                             std::span<const Digest> proof, const Digest& root) {
  if (index >= size) {
    return BadProof("inclusion");
  }
  std::uint64_t node = index;
  std::uint64_t last = size - 1;
  Digest hash = leaf_hash;
  for (const Digest& sibling : proof) {
    if (last == 0) {
      return BadProof("inclusion");
    }
    if (node % 2 == 1 || node == last) {
      hash = NodeHash(sibling, hash);
      while (node % 2 == 0 && node != 0) {
        node /= 2;
        last /= 2;
      }
    } else {
      hash = NodeHash(hash, sibling);
    }
    node /= 2;
    last /= 2;
  }
  return last == 0 && hash == root ? Result<void>() : BadProof("inclusion");
}

Result<void> VerifyConsistency(std::uint64_t old_size, const Digest& old_root, std::uint64_t size,
                               const Digest& root, std::span<const Digest> proof) {
  if (old_size == 0 || old_size > size) {
    return BadProof("consistency");
  }
  if (old_size == size) {
    return proof.empty() && old_root == root ? Result<void>() : BadProof("consistency");
  }
  std::vector<Digest> path;
  if (std::has_single_bit(old_size)) {
    path.push_back(old_root);
  }
  path.insert(path.end(), proof.begin(), proof.end());
  if (path.empty()) {
    return BadProof("consistency");
  }
  std::uint64_t node = old_size - 1;
  std::uint64_t last = size - 1;
  while (node % 2 == 1) {
    node /= 2;
    last /= 2;
  }
  Digest old_hash = path[0];
  Digest hash = path[0];
  for (const Digest& sibling : std::span(path).subspan(1)) {
    if (last == 0) {
      return BadProof("consistency");
    }
    if (node % 2 == 1 || node == last) {
      old_hash = NodeHash(sibling, old_hash);
      hash = NodeHash(sibling, hash);
      while (node % 2 == 0 && node != 0) {
        node /= 2;
        last /= 2;
      }
    } else {
      hash = NodeHash(hash, sibling);
    }
    node /= 2;
    last /= 2;
  }
  return last == 0 && old_hash == old_root && hash == root ? Result<void>()
                                                           : BadProof("consistency");
}

}  // namespace casemate::audit
