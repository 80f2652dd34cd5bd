#include "audit/verify/proof.h"

#include <charconv>
#include <optional>

namespace casemate::audit {
namespace {

constexpr std::string_view kFirstLine = "c2sp.org/tlog-proof@v1";
constexpr std::size_t kMaxPath = 63;

std::unexpected<Error> NotAProof(const std::string& why) {
  return Fail(ErrorCode::kInvalidArgument,
              "expected a proof (" + std::string(kFirstLine) + "): " + why);
}

// The next line without its newline; nothing at the end of the text.
std::optional<std::string_view> TakeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

}  // namespace

Result<Proof> ParseProof(std::string_view text) {
  if (text.size() > kMaxProofBytes) {
    return NotAProof("over " + std::to_string(kMaxProofBytes) + " bytes");
  }
  if (TakeLine(text) != kFirstLine) {
    return NotAProof("another first line");
  }
  Proof proof;
  std::optional<std::string_view> line = TakeLine(text);
  if (line && line->starts_with("extra ")) {
    Result<Bytes> extra = FromBase64(line->substr(6));
    if (!extra || extra->empty()) {
      return NotAProof("extra data that is not base64");
    }
    proof.extra = std::move(*extra);
    line = TakeLine(text);
  }
  if (!line || !line->starts_with("index ")) {
    return NotAProof("no index");
  }
  const std::string_view digits = line->substr(6);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), proof.index);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      (digits.size() > 1 && digits[0] == '0')) {
    return NotAProof("an index that is no number");
  }
  for (line = TakeLine(text); line && !line->empty(); line = TakeLine(text)) {
    const Result<Bytes> hash = FromBase64(*line);
    if (!hash || hash->size() != sizeof(Digest) || proof.path.size() == kMaxPath) {
      return NotAProof("a line of the path that is no hash, or over 63 of them");
    }
    std::ranges::copy(*hash, proof.path.emplace_back().begin());
  }
  if (!line || text.empty()) {
    return NotAProof("no checkpoint after an empty line");
  }
  proof.checkpoint = std::string(text);
  return proof;
}

std::string FormatProof(const Proof& proof) {
  std::string out = std::string(kFirstLine) + "\n";
  if (!proof.extra.empty()) {
    out += "extra " + ToBase64(proof.extra) + "\n";
  }
  out += "index " + std::to_string(proof.index) + "\n";
  for (const Digest& hash : proof.path) {
    out += ToBase64(hash) + "\n";
  }
  return out + "\n" + proof.checkpoint;
}

Result<Proven> VerifyProof(std::string_view text, std::span<const VerifierKey> keys) {
  Result<Proof> proof = ParseProof(text);
  if (!proof) {
    return std::unexpected(proof.error());
  }
  if (proof->extra.empty()) {
    return NotAProof("no extra line with the entry");
  }
  Result<Checkpoint> checkpoint = OpenCheckpoint(proof->checkpoint, keys);
  if (!checkpoint) {
    return Wrap(checkpoint.error(), "the proof's checkpoint");
  }
  if (Result<void> good = VerifyInclusion(LeafHash(proof->extra), proof->index, checkpoint->size,
                                          proof->path, checkpoint->root);
      !good) {
    return std::unexpected(good.error());
  }
  return Proven{.checkpoint = std::move(*checkpoint),
                .index = proof->index,
                .entry = std::move(proof->extra)};
}

}  // namespace casemate::audit
