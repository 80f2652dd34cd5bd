#include "api/grounding.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace casemate::api {
namespace {

constexpr std::string_view kTask = "Answer from the documents.";
constexpr std::uint32_t kTokensPerMessage = 8;        // role, its borders, line ends
constexpr std::uint32_t kTokensPerMark = 5;           // "\n[1] "
constexpr std::string_view kDash = " \xe2\x80\x94 ";  // U+2014, as in "name — what it is"
constexpr std::uint32_t kLeastPassage = 12;           // less says nothing

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

bool ContainsIgnoringCase(std::string_view text, std::string_view word) {
  return std::search(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) ==
                  std::tolower(static_cast<unsigned char>(b));
         }) != text.end();
}

// How many of the question's words of four letters or more a sentence holds.
std::size_t Overlap(PlaintextView sentence, PlaintextView question) {
  std::size_t found = 0;
  std::string_view rest = question.Reveal();
  while (!rest.empty()) {
    const auto* end = std::find_if(rest.begin(), rest.end(), [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) == 0 && static_cast<signed char>(c) >= 0;
    });
    const std::string_view word = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    if (word.size() >= 4 && ContainsIgnoringCase(sentence.Reveal(), word)) {
      ++found;
    }
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return found;
}

// The run of sentences that starts with the one nearest to the question and fits into `most`
// tokens; empty when not even that one does.
Result<Plaintext> Shorten(inference::RoomClient& room, PlaintextView line, PlaintextView question,
                          std::uint32_t most) {
  const std::vector<PlaintextView> sentences = Sentences(line);
  Result<std::vector<std::uint32_t>> tokens = room.CountTokens(sentences);
  if (!tokens) {
    return std::unexpected(tokens.error());
  }
  std::size_t start = 0;
  std::size_t best = 0;
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const std::size_t overlap = Overlap(sentences[i], question);
    if (overlap > best && (*tokens)[i] <= most) {
      best = overlap;
      start = i;
    }
  }
  Plaintext out;
  std::uint32_t used = 0;
  for (std::size_t i = start; i < sentences.size() && used + (*tokens)[i] + 1 <= most; ++i) {
    if (!out.empty()) {
      out.AppendLiteral(" ");
    }
    out.Append(sentences[i]);
    used += (*tokens)[i] + 1;
  }
  return out;
}

// Tokens left for passages once everything else has its place.
Result<std::uint32_t> Budget(inference::RoomClient& room,
                             const std::vector<inference::ChatMessage>& conversation,
                             const GroundingOptions& options) {
  std::vector<PlaintextView> texts = {PlaintextView::Of(kTask)};
  for (const inference::ChatMessage& message : conversation) {
    texts.push_back(message.content);
  }
  Result<std::vector<std::uint32_t>> tokens = room.CountTokens(texts);
  if (!tokens) {
    return std::unexpected(tokens.error());
  }
  std::uint64_t used = std::min(options.answer_tokens, options.context_tokens / 3);
  used += kTokensPerMessage * (conversation.size() + 2);
  for (std::uint32_t count : *tokens) {
    used += count;
  }
  return used >= options.context_tokens ? 0
                                        : static_cast<std::uint32_t>(options.context_tokens - used);
}

// The nearest heading: what stands after the last " > " of the path.
PlaintextView NearestHeading(PlaintextView path) {
  const std::size_t at = path.Reveal().rfind(" > ");
  return at == std::string_view::npos ? path : path.Part(at + 3);
}

// The question ends with the term: "What is a moat?" asks for "moat", not for "moat house".
bool IsAskedFor(PlaintextView term, PlaintextView question) {
  std::string_view asked = question.Reveal();
  while (!asked.empty() && std::isalnum(static_cast<unsigned char>(asked.back())) == 0) {
    asked.remove_suffix(1);
  }
  const std::string_view words = term.Reveal();
  if (words.empty() || asked.size() <= words.size()) {
    return false;
  }
  const std::size_t at = asked.size() - words.size();
  return IsSpace(asked[at - 1]) && ContainsIgnoringCase(asked.substr(at), words);
}

// Of "bisect — Array bisection" the name alone.
PlaintextView BeforeDash(PlaintextView heading) {
  return heading.Part(0, heading.Reveal().find(kDash));
}

// Where the best hit's heading is what the question asks for, its first chunk among the hits is the
// definition: hits under other headings are about something else, later chunks go into examples,
// and a small model takes one thing for another.
std::optional<std::size_t> FindDefinition(const std::vector<retrieval::SearchHit>& hits,
                                          PlaintextView question) {
  if (hits.empty() || !IsAskedFor(BeforeDash(NearestHeading(hits.front().heading)), question)) {
    return std::nullopt;
  }
  std::size_t first = 0;
  for (std::size_t i = 1; i < hits.size(); ++i) {
    if (hits[i].file == hits.front().file && hits[i].begin < hits[first].begin &&
        hits[i].heading.view().Reveal() == hits.front().heading.view().Reveal()) {
      first = i;
    }
  }
  return first;
}

}  // namespace

Plaintext OneLine(PlaintextView text) {
  Plaintext out = Plaintext::Zeroed(text.size());
  std::size_t used = 0;
  for (char c : text.Reveal()) {
    const bool space = IsSpace(c);
    if (space && (used == 0 || out.mutable_bytes()[used - 1] == std::byte{' '})) {
      continue;
    }
    out.mutable_bytes()[used++] = static_cast<std::byte>(space ? ' ' : c);
  }
  if (used > 0 && out.mutable_bytes()[used - 1] == std::byte{' '}) {
    --used;
  }
  out.Truncate(used);
  return out;
}

Plaintext PassageLine(PlaintextView heading_path, PlaintextView text, PlaintextView question) {
  constexpr std::size_t kMaxTermBytes = 40;
  const PlaintextView heading = NearestHeading(heading_path);
  const std::string_view words = heading.Reveal();
  Plaintext line;
  if (const std::size_t dash = words.find(kDash);
      dash != std::string_view::npos && dash > 0 && dash <= kMaxTermBytes) {
    line.Append(heading.Part(0, dash));
    line.AppendLiteral(": ");
    line.Append(heading.Part(dash + kDash.size()));
    line.AppendLiteral(". ");
  } else if (!words.empty() && words.size() <= kMaxTermBytes &&
             ContainsIgnoringCase(question.Reveal(), words)) {
    if (text.Reveal().starts_with(words)) {
      text = text.Part(words.size());  // a term stands at the head of its own explanation
    }
    // "A moat is a ditch" says already what it is about.
    if (!ContainsIgnoringCase(text.Reveal().substr(0, words.size() + 4), words)) {
      line.Append(heading);
      line.AppendLiteral(": ");
    }
  }
  line.Append(text);
  return OneLine(line);
}

std::vector<PlaintextView> Sentences(PlaintextView line) {
  const std::string_view text = line.Reveal();
  std::vector<PlaintextView> found;
  std::size_t begin = 0;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if ((text[i] == '.' || text[i] == '!' || text[i] == '?') && text[i + 1] == ' ') {
      found.push_back(line.Part(begin, i + 1 - begin));
      begin = i + 2;
    }
  }
  if (begin < text.size()) {
    found.push_back(line.Part(begin));
  }
  return found;
}

std::vector<std::size_t> FindCitations(PlaintextView answer, std::size_t passages) {
  const std::string_view text = answer.Reveal();
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '[') {
      continue;
    }
    std::size_t number = 0;
    std::size_t at = i + 1;
    // Four digits are more passages than any prompt holds.
    while (at < text.size() && at < i + 5 && text[at] >= '0' && text[at] <= '9') {
      number = number * 10 + static_cast<std::size_t>(text[at++] - '0');
    }
    const bool closed = at > i + 1 && at < text.size() && text[at] == ']';
    if (closed && number >= 1 && number <= passages &&
        std::find(found.begin(), found.end(), number - 1) == found.end()) {
      found.push_back(number - 1);
    }
  }
  return found;
}

inference::ChatMessage Copied(const inference::ChatMessage& message) {
  return {.role = message.role,
          .content = Plaintext::Copy(message.content.view()),
          .tool_calls = Plaintext::Copy(message.tool_calls.view()),
          .tool_call_id = Plaintext::Copy(message.tool_call_id.view())};
}

std::vector<inference::ChatMessage> WithPassages(
    const std::vector<inference::ChatMessage>& conversation, const std::vector<Plaintext>& lines) {
  Plaintext system;
  for (const inference::ChatMessage& message : conversation) {
    if (message.role == "system") {
      system.Append(message.content);
      system.AppendLiteral("\n");
    }
  }
  system.AppendLiteral(kTask);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    system.AppendLiteral("\n[" + std::to_string(i + 1) + "] ");
    system.Append(lines[i]);
  }
  std::vector<inference::ChatMessage> messages;
  messages.push_back({.role = "system", .content = std::move(system)});
  for (const inference::ChatMessage& message : conversation) {
    if (message.role != "system") {
      messages.push_back(Copied(message));
    }
  }
  return messages;
}

Result<Grounded> AssemblePrompt(inference::RoomClient& room,
                                const std::vector<retrieval::SearchHit>& hits,
                                const std::vector<inference::ChatMessage>& conversation,
                                PlaintextView question, const GroundingOptions& options) {
  Result<std::uint32_t> budget = Budget(room, conversation, options);
  if (!budget) {
    return std::unexpected(budget.error());
  }
  const std::optional<std::size_t> definition = FindDefinition(hits, question);
  std::vector<Plaintext> lines;
  lines.reserve(hits.size());
  std::vector<PlaintextView> views;
  views.reserve(hits.size());
  for (const retrieval::SearchHit& hit : hits) {
    lines.push_back(PassageLine(hit.heading, hit.text, question));
  }
  for (const Plaintext& line : lines) {
    views.push_back(line);
  }
  Result<std::vector<std::uint32_t>> tokens = room.CountTokens(views);
  if (!tokens) {
    return std::unexpected(tokens.error());
  }

  Grounded grounded;
  std::uint32_t left = *budget;
  const std::uint32_t cap =
      definition
          ? options.passage_tokens
          : std::max<std::uint32_t>(options.passage_tokens,
                                    *budget / static_cast<std::uint32_t>(options.max_passages));
  for (std::size_t i = 0; i < hits.size() && grounded.passages.size() < options.max_passages; ++i) {
    if (left < kTokensPerMark + kLeastPassage) {
      break;
    }
    if (definition && i != *definition) {
      continue;
    }
    const std::uint32_t most = std::min(cap, left - kTokensPerMark);
    Plaintext line = std::move(lines[i]);
    std::uint32_t size = (*tokens)[i];
    if (size > most) {
      Result<Plaintext> shorter = Shorten(room, line, question, most);
      if (!shorter) {
        return std::unexpected(shorter.error());
      }
      line = std::move(*shorter);
      size = most;
    }
    if (line.empty()) {
      continue;
    }
    grounded.passages.push_back(i);
    grounded.lines.push_back(std::move(line));
    left -= std::min(left, size + kTokensPerMark);
  }

  grounded.messages = WithPassages(conversation, grounded.lines);
  return grounded;
}

}  // namespace casemate::api
