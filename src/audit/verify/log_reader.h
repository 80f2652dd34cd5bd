#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/verify/checkpoint.h"
#include "audit/verify/leaf.h"
#include "audit/verify/proof.h"
#include "audit/verify/tile.h"

namespace casemate::audit {

struct ShownLeaf {
  std::uint64_t index = 0;
  Leaf leaf;
  bool in_checkpoint = true;  // false: in the journal, durable but not signed yet
};

struct VerifyReport {
  Checkpoint checkpoint;
  std::uint64_t entries = 0;     // read, decoded and hashed up to the root
  std::uint64_t files = 0;       // tiles and entry bundles compared
  std::uint64_t in_journal = 0;  // entries after the checkpoint, by form alone
};

// Reads a log's folder (docs/formats/audit_log.md) as anybody can who has a copy and the verifier
// keys; the server may be writing to it. Errors of all members: kIntegrityFailure: something does
// not fit; the message names file and entry. kNotFound, kUnavailable: the disk. Threads: all
// members may run at the same time.
class LogReader {
 public:
  // Reads and verifies the checkpoint; a later one is not seen.
  [[nodiscard]] static Result<LogReader> Open(std::filesystem::path folder,
                                              std::vector<VerifierKey> keys);

  const Checkpoint& checkpoint() const { return checkpoint_; }
  const std::string& checkpoint_note() const { return note_; }

  // Entries from `first` on, at most `count`, the journal's too, until `visit` returns false. They
  // are compared with their tile, not with the root: Verify does that.
  [[nodiscard]] Result<void> Show(std::uint64_t first, std::uint64_t count,
                                  const std::function<bool(const ShownLeaf&)>& visit) const;
  // A tlog-proof file, with the entry as its extra data; verified before it is returned. Errors:
  // kNotFound: no such entry under the checkpoint.
  [[nodiscard]] Result<std::string> Prove(std::uint64_t index) const;
  // That a checkpoint somebody kept is a beginning of this log. Errors: kIntegrityFailure also when
  // it is not, which is what keeping one is for.
  [[nodiscard]] Result<void> VerifyConsistentWith(std::string_view kept_checkpoint_note) const;
  // Reads every entry and every tile and compares all of them with the checkpoint's root.
  [[nodiscard]] Result<VerifyReport> Verify() const;

  // The hashes of a tile, and the bytes of a bundle, of exactly that width; a full file serves
  // where the partial one is gone.
  [[nodiscard]] Result<std::vector<Digest>> ReadTile(const Tile& tile) const;
  [[nodiscard]] Result<std::vector<Bytes>> ReadBundle(const Tile& bundle) const;

 private:
  LogReader(std::filesystem::path folder, std::vector<VerifierKey> keys)
      : folder_(std::move(folder)), keys_(std::move(keys)) {}
  Result<void> ShowBundle(const Tile& bundle, std::uint64_t first, std::uint64_t count,
                          const std::function<bool(const ShownLeaf&)>& visit, bool& go_on) const;

  std::filesystem::path folder_;
  std::vector<VerifierKey> keys_;
  std::string note_;
  Checkpoint checkpoint_;
};

// Opens and verifies; starts again when the server wrote a new checkpoint meanwhile and files no
// longer fit the old one. `kept_checkpoint_note`: also VerifyConsistentWith, unless empty.
[[nodiscard]] Result<VerifyReport> VerifyLog(const std::filesystem::path& folder,
                                             const std::vector<VerifierKey>& keys,
                                             std::string_view kept_checkpoint_note = {});

}  // namespace casemate::audit
