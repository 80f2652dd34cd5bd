// The first line is the passages, with tabs between them; the rest is an answer. What passes is
// right by plain search, and there is always a byte that may come next or an end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "inference/room/quote_constraint.h"

namespace {

using casemate::inference::QuoteConstraint;

// Every complete quotation's span stands in the passage that the first number after it names.
bool IsRight(std::string_view answer, const std::vector<std::string_view>& passages) {
  std::size_t at = 0;
  while ((at = answer.find('"', at)) != std::string_view::npos) {
    const std::size_t end = answer.find('"', at + 1);
    if (end == std::string_view::npos) {
      return true;  // not over yet
    }
    const std::string_view span = answer.substr(at + 1, end - at - 1);
    at = end + 1;
    const std::size_t bracket = answer.find(']', at);
    if (bracket == std::string_view::npos) {
      return true;
    }
    std::size_t number = 0;
    for (std::size_t i = at + 2; i < bracket; ++i) {
      number = number * 10 + static_cast<std::size_t>(answer[i] - '0');
    }
    if (number < 1 || number > passages.size() || !passages[number - 1].contains(span)) {
      return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  if (line == std::string_view::npos) {
    return 0;
  }
  std::vector<std::string_view> passages;
  std::vector<Plaintext> owned;
  for (std::string_view rest = input.substr(0, line);;) {
    const std::size_t tab = rest.find('\t');
    passages.push_back(rest.substr(0, tab));
    owned.push_back(Plaintext::Copy(passages.back()));
    if (tab == std::string_view::npos) {
      break;
    }
    rest.remove_prefix(tab + 1);
  }
  const auto quotes = QuoteConstraint::Create(owned, false);
  if (!quotes) {
    return 0;
  }
  const std::string_view answer = input.substr(line + 1);
  QuoteConstraint::State state;
  std::size_t taken = 0;
  while (taken < answer.size()) {
    QuoteConstraint::State next = state;
    if (!quotes->Advance(next, answer.substr(taken, 1), false)) {
      break;
    }
    state = next;
    ++taken;
  }
  if (!IsRight(answer.substr(0, taken), passages)) {
    std::abort();
  }
  bool may_go_on = quotes->MayEnd(state);
  for (int byte = 0; byte < 256 && !may_go_on; ++byte) {
    const char c = static_cast<char>(byte);
    QuoteConstraint::State next = state;
    may_go_on = quotes->Advance(next, std::string_view(&c, 1), false);
  }
  if (!may_go_on) {
    std::abort();
  }
  return 0;
}
