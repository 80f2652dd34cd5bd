// A TLS server's first flight: whole or cut in two, it gives the same answer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "flows/server_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const ByteView all(reinterpret_cast<const std::byte*>(data), size);
  const auto read = [&](std::size_t cut) {
    flows::AnswerReader reader;
    std::optional<flows::ServerAnswer> answer = reader.Feed(all.first(cut));
    if (!answer) {
      answer = reader.Feed(all.subspan(cut));
    }
    return flows::Describe(answer ? *answer : reader.End(flows::ServerAnswer::Kind::kClosed));
  };
  if (read(0) != read(size) || (size > 0 && read(size / 2) != read(size))) {
    std::abort();
  }
  (void)flows::ParseServerHello(all);
  return 0;
}
