#include "api/tool_calls.h"

#include <algorithm>

#include "crypto/hash.h"
#include "json/copy.h"
#include "json/reader.h"

namespace casemate::api {
namespace {

constexpr std::string_view kHermesEnd = "</tool_call>";
constexpr std::string_view kSpaces = " \n\r\t";

// Where the first mark begins, or the longest beginning of one at the end of the text.
struct MarkPlace {
  std::size_t at;
  bool whole;
};
MarkPlace FindMark(std::string_view text) {
  const std::size_t at = std::min(text.find(kHermesMark), text.find(kMistralMark));
  if (at != std::string_view::npos) {
    return {at, true};
  }
  const std::size_t longest = std::max(kHermesMark.size(), kMistralMark.size()) - 1;
  for (std::size_t begin = text.size() - std::min(text.size(), longest); begin < text.size();
       ++begin) {
    if (kHermesMark.starts_with(text.substr(begin)) ||
        kMistralMark.starts_with(text.substr(begin))) {
      return {begin, false};
    }
  }
  return {text.size(), false};
}

std::size_t SkipSpace(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(kSpaces, at), text.size());
}

}  // namespace

std::vector<AnswerPart> ToolCallReader::Feed(PlaintextView piece) {
  pending_.Append(piece);
  return Go(false);
}

std::vector<AnswerPart> ToolCallReader::End() { return Go(true); }

void ToolCallReader::Drop(std::size_t size) {
  pending_ = Plaintext::Copy(pending_.view().Part(size));
  scan_ = {};
}

void ToolCallReader::Emit(std::size_t size, std::vector<AnswerPart>& parts) {
  const std::size_t from = after_call_ ? SkipSpace(pending_.view().Reveal().substr(0, size), 0) : 0;
  if (from < size) {
    after_call_ = false;
    const PlaintextView text = pending_.view().Part(from, size - from);
    if (!parts.empty() && std::holds_alternative<Plaintext>(parts.back())) {
      std::get<Plaintext>(parts.back()).Append(text);
    } else {
      parts.emplace_back(Plaintext::Copy(text));
    }
  }
}

std::vector<AnswerPart> ToolCallReader::Go(bool ended) {
  std::vector<AnswerPart> parts;
  while (!pending_.empty()) {
    const std::string_view text = pending_.view().Reveal();
    const MarkPlace mark = FindMark(text);
    // White space before a mark is only known to be text once the mark has proved to be none.
    const std::size_t trimmed = text.find_last_not_of(kSpaces, mark.at == 0 ? 0 : mark.at - 1);
    const std::size_t text_end =
        mark.at == 0 || trimmed == std::string_view::npos ? 0 : trimmed + 1;
    if (!mark.whole) {
      Emit(ended ? text.size() : text_end, parts);
      Drop(ended ? text.size() : text_end);
      return parts;
    }
    std::size_t end = 0;
    std::vector<AnswerPart> calls;
    switch (ReadCalls(mark.at, ended, end, calls)) {
      case Found::kCalls:
        Emit(text_end, parts);
        std::move(calls.begin(), calls.end(), std::back_inserter(parts));
        after_call_ = true;
        Drop(end);
        break;
      case Found::kNone:  // the mark's first letter is text; the rest may hold another mark
        Emit(mark.at + 1, parts);
        Drop(mark.at + 1);
        break;
      case Found::kUnknown: {
        Emit(text_end, parts);
        const Scan scan = scan_;
        if (text_end > 0) {
          Drop(text_end);
          scan_ = scan;
          scan_.at -= std::min(scan_.at, text_end);
        }
        return parts;
      }
    }
  }
  return parts;
}

ToolCallReader::Found ToolCallReader::ReadCalls(std::size_t mark_at, bool ended, std::size_t& end,
                                                std::vector<AnswerPart>& parts) {
  const std::string_view text = pending_.view().Reveal();
  const bool list = text.substr(mark_at).starts_with(kMistralMark);
  const std::size_t begin =
      SkipSpace(text, mark_at + (list ? kMistralMark.size() : kHermesMark.size()));
  const Found open = ended ? Found::kNone : Found::kUnknown;
  if (begin - mark_at > kMaxCallBytes) {
    return Found::kNone;
  }
  if (begin == text.size()) {
    return open;
  }
  if (text[begin] != (list ? '[' : '{')) {
    return Found::kNone;
  }
  for (scan_.at = std::max(scan_.at, begin); scan_.at < text.size() && !scan_.whole; ++scan_.at) {
    if (scan_.at - mark_at > kMaxCallBytes) {
      return Found::kNone;
    }
    const char c = text[scan_.at];
    if (scan_.in_string) {
      scan_.in_string = scan_.escaped || c != '"';
      scan_.escaped = !scan_.escaped && c == '\\';
    } else if (c == '"') {
      scan_.in_string = true;
    } else if (c == '{' || c == '[') {
      ++scan_.depth;
    } else if (c == '}' || c == ']') {
      scan_.whole = --scan_.depth == 0;
    }
  }
  if (!scan_.whole) {
    return open;
  }
  end = scan_.at;
  if (!list) {
    const std::string_view rest = text.substr(SkipSpace(text, scan_.at));
    if (rest.starts_with(kHermesEnd)) {
      end = text.size() - rest.size() + kHermesEnd.size();
    } else if (!kHermesEnd.starts_with(rest)) {
      return Found::kNone;
    } else if (!ended) {
      return rest.empty() && text.size() - scan_.at > kMaxCallBytes ? Found::kNone : open;
    } else {
      end = text.size();  // models leave the closing mark out at the end of an answer
    }
  }
  return TakeCalls(begin, scan_.at, list, parts) ? Found::kCalls : Found::kNone;
}

bool ToolCallReader::TakeCalls(std::size_t begin, std::size_t end, bool list,
                               std::vector<AnswerPart>& parts) {
  Result<json::Document> document = json::Document::Parse(pending_.view().Part(begin, end - begin));
  if (!document) {
    return false;
  }
  const std::vector<json::Value> calls =
      list ? document->root().Elements() : std::vector<json::Value>{document->root()};
  for (const json::Value& call : calls) {
    const std::optional<json::Value> name_value = call.Get("name");
    const std::optional<json::Value> arguments = call.Get("arguments");
    Result<std::string> name = name_value ? name_value->AsName(64) : Result<std::string>("");
    if (!name || std::find(functions_.begin(), functions_.end(), *name) == functions_.end() ||
        !arguments || arguments->kind() != json::Value::Kind::kObject) {
      parts.clear();
      return false;
    }
    parts.emplace_back(ToolCall{.id = crypto::RandomId<ToolCallId>().ToString(),
                                .name = std::move(*name),
                                .arguments = json::Text(*arguments)});
  }
  return !parts.empty();
}

}  // namespace casemate::api
