#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

// An independent reading of an answer with quotations, for tests: finds each mark, looks the span
// up in the cited passage by plain search.
namespace casemate::inference {

struct Quotations {
  std::vector<std::string> spans;
  std::string problem;  // empty: all are right
};

// `cut`: max_tokens ended the answer, so that its last quotation may be without an end.
inline Quotations ReadQuotations(std::string_view answer, const std::vector<std::string>& passages,
                                 bool cut = false) {
  Quotations read;
  std::size_t at = 0;
  while ((at = answer.find('"', at)) != std::string_view::npos) {
    const std::size_t end = answer.find('"', at + 1);
    if (end == std::string_view::npos) {
      read.problem = cut ? "" : "a quotation without an end";
      return read;
    }
    const std::string span(answer.substr(at + 1, end - at - 1));
    at = end + 1;
    std::string_view rest = answer.substr(at);
    if (!rest.starts_with(" [")) {
      read.problem = cut && std::string_view(" [").starts_with(rest) ? "" : "no citation";
      return read;
    }
    bool first = true;
    while (rest.starts_with(" [") || (!first && rest.starts_with("["))) {
      rest.remove_prefix(rest.find('[') + 1);
      const std::size_t bracket = rest.find(']');
      if (bracket == std::string_view::npos) {
        read.problem = cut ? "" : "a citation without an end";
        return read;
      }
      std::size_t number = 0;
      for (const char c : rest.substr(0, bracket)) {
        if (c < '0' || c > '9') {
          read.problem = "a citation that is no number";
          return read;
        }
        number = number * 10 + static_cast<std::size_t>(c - '0');
      }
      if (number < 1 || number > passages.size()) {
        read.problem = "a citation of no passage";
        return read;
      }
      if (span.empty() || !passages[number - 1].contains(span)) {
        read.problem = "passage " + std::to_string(number) + " does not hold: " + span;
        return read;
      }
      rest.remove_prefix(bracket + 1);
      first = false;
    }
    read.spans.push_back(span);
  }
  return read;
}

}  // namespace casemate::inference
