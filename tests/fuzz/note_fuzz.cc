// Signed notes, checkpoints, verifier keys and tile paths: refused, or written back byte for byte.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "audit/verify/checkpoint.h"
#include "audit/verify/tile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto must = [](bool true_statement) {
    if (!true_statement) {
      std::abort();
    }
  };
  if (const Result<audit::Note> note = audit::ParseNote(text); note) {
    must(audit::FormatNote(*note) == text);
    if (const Result<audit::Checkpoint> checkpoint = audit::ParseCheckpoint(note->text);
        checkpoint) {
      must(audit::FormatCheckpoint(*checkpoint) == note->text);
    }
  }
  if (const Result<audit::VerifierKey> key = audit::VerifierKey::Parse(text); key) {
    must(key->ToString() == text);
    (void)audit::OpenCheckpoint(text, std::span(&*key, 1));
  }
  (void)audit::ParseVerifierKeys(text);
  if (const auto tile = audit::ParseTilePath(text); tile) {
    must(audit::TilePath(*tile) == text);
  }
  return 0;
}
