#include "retrieval/parsing/text.h"

#include <algorithm>
#include <string_view>

#include "retrieval/parsing/block_writer.h"

namespace casemate::retrieval {

Result<ParsedDocument> ParseText(PlaintextView text) {
  BlockWriter writer;
  std::string_view rest = text.Reveal();
  std::size_t paragraph = 0;  // bytes of `rest` that belong to it so far
  const auto flush = [&] {
    writer.Add(BlockKind::kParagraph, 0, PlaintextView::Of(rest.substr(0, paragraph)));
    rest.remove_prefix(paragraph);
    paragraph = 0;
  };
  while (paragraph < rest.size()) {
    const std::size_t end = std::min(rest.find('\n', paragraph), rest.size() - 1) + 1;
    const std::string_view line = rest.substr(paragraph, end - paragraph);
    paragraph = end;
    if (line.find_first_not_of(" \t\n") == std::string_view::npos) {
      flush();
    }
  }
  flush();
  return writer.Finish();
}

}  // namespace casemate::retrieval
