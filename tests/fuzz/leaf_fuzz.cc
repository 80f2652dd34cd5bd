// A leaf is refused or is exactly what EncodeLeaf writes; bundles and journals are read in bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "audit/verify/journal_format.h"
#include "audit/verify/leaf.h"
#include "audit/verify/tile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  if (const Result<audit::Leaf> leaf = audit::DecodeLeaf(bytes); leaf) {
    const Bytes written = audit::EncodeLeaf(*leaf);
    if (AsText(written) != AsText(bytes)) {
      std::abort();
    }
  }
  if (size > 0) {
    (void)audit::SplitBundle(bytes.subspan(1), data[0]);
  }
  (void)audit::ReadJournalByForm(bytes);
  return 0;
}
