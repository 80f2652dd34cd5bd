#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "audit/verify/leaf.h"
#include "base/error.h"
#include "crypto/signature.h"
#include "secmem/key.h"

namespace casemate::audit {

// Appends to a C2SP tlog-tiles log in a folder. An entry is durable in the journal (one fdatasync
// for all that wait: group commit) before Append returns; tiles and a signed checkpoint follow
// within a second, and on Close. The journal's records are chained by HMAC under `journal_key`, so
// that a change before they are in a checkpoint is found too. After a crash Open puts the journal's
// entries into the tiles. Layout: docs/formats/audit_log.md. Threads: all members may run at the
// same time.
class LogWriter {
 public:
  struct Options {
    std::filesystem::path folder;  // D/audit
    std::string origin;  // checkpoint origin and key name: "casemate.local/<deployment id>"
    std::vector<crypto::SigningKey> keys;  // Ed25519 first, then ML-DSA-44
    Key journal_key;
  };
  // Errors: kIntegrityFailure: journal, tiles or checkpoint do not fit together (message names the
  // file and the entry). kUnavailable, kResourceExhausted: the disk.
  [[nodiscard]] static Result<std::unique_ptr<LogWriter>> Open(Options options);
  virtual ~LogWriter();

  // Durable on return; the index of the entry. Errors: kInvalidArgument: a field out of the ranges
  // of docs/formats/audit_leaf.md. kResourceExhausted, kUnavailable: the entry is not in the log,
  // and nothing may be released for it. After a failed sync every later call fails until the log is
  // opened again, because nobody knows what the disk holds.
  [[nodiscard]] virtual Result<std::uint64_t> Append(const Leaf& leaf) = 0;
  // Ordered before every later Append, durable with the next of them or within a second.
  [[nodiscard]] virtual Result<std::uint64_t> AppendRelaxed(const Leaf& leaf) = 0;
  virtual std::uint64_t size() const = 0;             // entries that are durable
  virtual std::uint64_t checkpoint_size() const = 0;  // entries under the last signed checkpoint
  virtual crypto::SigningKey const& primary_key() const = 0;
  // Writes tiles and checkpoint for everything so far.
  [[nodiscard]] virtual Result<void> Checkpoint() = 0;
};

}  // namespace casemate::audit
