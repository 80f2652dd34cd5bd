#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/id.h"
#include "crypto/hash.h"
#include "crypto/signature.h"

// The signed head of one tenant's key tree: a C2SP signed note. docs/formats/key_tree.md, "Head".
namespace casemate::custody {

struct TreeHead {
  TenantId deployment;  // the system tenant's id: in the origin line
  TenantId tenant;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;  // one more with every change of the tree
  crypto::Digest root{};       // SHA-256 of the sealed root node
  crypto::Digest state{};  // SHA-256 of the sealed state document: the system tenant's head only,
                           // else zero
  std::uint64_t log_size = 0;  // entries under the log's last checkpoint at that time
  bool operator==(const TreeHead&) const = default;
};

inline constexpr std::size_t kMaxHeadNote = 8192;  // bytes

// The text that is signed, and back. Parse refuses whatever Write would not write.
std::string WriteTreeHead(const TreeHead& head);
[[nodiscard]] Result<TreeHead> ParseTreeHead(std::string_view text);

// Text, empty line, one signature line per key.
[[nodiscard]] Result<Bytes> SignTreeHead(const TreeHead& head,
                                         std::span<const crypto::SigningKey> keys);
// Every one of `keys` must have signed. Errors: kIntegrityFailure.
[[nodiscard]] Result<TreeHead> OpenTreeHead(ByteView note,
                                            std::span<const crypto::SigningKey> keys);
// Without looking at signatures: to find out which tenant and epoch a note claims.
[[nodiscard]] Result<TreeHead> ReadTreeHeadWithoutVerifying(ByteView note);

}  // namespace casemate::custody
