// Receipts: refused, or written back byte for byte from what was read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "audit/verify/receipt.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto must = [](bool true_statement) {
    if (!true_statement) {
      std::abort();
    }
  };
  const Result<audit::Receipt> receipt = audit::ParseReceipt(text);
  if (receipt) {
    must(audit::FormatBlock(receipt->custodian) == receipt->custodian_note.text);
    must(audit::FormatBlock(receipt->server) == receipt->server_note.text);
    must(audit::FormatBlock(receipt->client) == receipt->client_note.text);
    must(audit::FormatReceipt(audit::FormatNote(receipt->custodian_note),
                              audit::FormatNote(receipt->server_note),
                              audit::FormatNote(receipt->client_note)) == text);
  }
  return 0;
}
