// What a gateway that lies can send as a stream: however it is cut into pieces, everything goes out
// in order and the digest is the same, or there is none.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/receipt_stream.h"

namespace {

using namespace casemate;
using namespace casemate::net;

std::optional<audit::Digest> Run(std::string_view text, std::size_t step) {
  ReceiptStream stream({}, audit::ReceiptId(), true);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += step) {
    out += stream.Add(PlaintextView::Of(text.substr(at, step))).view().Reveal();
  }
  // The verdict is the same whether the rest was taken out before or after it.
  Result<audit::Digest> digest = stream.Finish();
  out += stream.TakeRest().view().Reveal();
  if (out != text) {
    __builtin_trap();
  }
  return digest ? std::optional(*digest) : std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data),
                              std::min<std::size_t>(size, 4096));
  const std::optional<audit::Digest> whole = Run(text, std::max<std::size_t>(text.size(), 1));
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
    if (Run(text, step) != whole) {
      __builtin_trap();
    }
  }
  return 0;
}
