#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/hash.h"

// The Merkle tree of RFC 6962, section 2.1, with SHA-256.
namespace casemate::audit {

using crypto::Digest;

Digest LeafHash(ByteView entry);                           // SHA-256(0x00 || entry)
Digest NodeHash(const Digest& left, const Digest& right);  // SHA-256(0x01 || left || right)
Digest EmptyRoot();                                        // SHA-256 of nothing

// Where hashes of whole subtrees come from: MTH(D[index << height : (index + 1) << height]). Only
// asked for subtrees that are whole in the tree at hand.
using SubtreeSource = std::function<Result<Digest>(unsigned height, std::uint64_t index)>;
// A source over leaf hashes in memory, which must outlive it.
SubtreeSource SourceOf(std::span<const Digest> leaf_hashes);

// MTH(D[begin : end]) for 0 <= begin < end.
[[nodiscard]] Result<Digest> RangeHash(std::uint64_t begin, std::uint64_t end,
                                       const SubtreeSource& source);
// MTH(D[0 : size]); EmptyRoot for none.
[[nodiscard]] Result<Digest> RootHash(std::uint64_t size, const SubtreeSource& source);

// PATH(index, D[0 : size]), section 2.1.1: from the leaf's sibling up. Errors: kInvalidArgument:
// index not below size; the source's.
[[nodiscard]] Result<std::vector<Digest>> InclusionProof(std::uint64_t index, std::uint64_t size,
                                                         const SubtreeSource& source);
// PROOF(old_size, D[0 : size]), section 2.1.2. Errors: kInvalidArgument: old_size is 0 or over
// size.
[[nodiscard]] Result<std::vector<Digest>> ConsistencyProof(std::uint64_t old_size,
                                                           std::uint64_t size,
                                                           const SubtreeSource& source);

// RFC 9162, sections 2.1.3.2 and 2.1.4.2. Errors: kIntegrityFailure: the proof does not lead from
// the one to the other.
[[nodiscard]] Result<void> VerifyInclusion(const Digest& leaf_hash, std::uint64_t index,
                                           std::uint64_t size, std::span<const Digest> proof,
                                           const Digest& root);
[[nodiscard]] Result<void> VerifyConsistency(std::uint64_t old_size, const Digest& old_root,
                                             std::uint64_t size, const Digest& root,
                                             std::span<const Digest> proof);

}  // namespace casemate::audit
