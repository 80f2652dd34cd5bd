#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/verify/checkpoint.h"

// C2SP tlog-proof (https://c2sp.org/tlog-proof): that one entry is in a log, in a file that
// verifies offline. The extra data of ours is the entry itself, so that the file tells what it
// proves.
namespace casemate::audit {

struct Proof {
  Bytes extra;  // empty: no such line
  std::uint64_t index = 0;
  std::vector<Digest> path;  // from the leaf's sibling up; at most 63
  std::string checkpoint;    // the note, verbatim
};

// Errors: kInvalidArgument: not of the form, or over kMaxProofBytes.
inline constexpr std::size_t kMaxProofBytes = std::size_t{256} * 1024;
[[nodiscard]] Result<Proof> ParseProof(std::string_view text);
std::string FormatProof(const Proof& proof);

struct Proven {
  Checkpoint checkpoint;
  std::uint64_t index = 0;
  Bytes entry;
};
// What a proof of ours proves to who trusts `keys`. Errors: kInvalidArgument: not a proof, or one
// without its entry. kIntegrityFailure: checkpoint or path do not verify.
[[nodiscard]] Result<Proven> VerifyProof(std::string_view text, std::span<const VerifierKey> keys);

}  // namespace casemate::audit
