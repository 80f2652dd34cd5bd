#include "retrieval/keyword_index.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace casemate::retrieval {
namespace {

constexpr std::size_t kMaxWords = 64;       // of a question; the rest is ignored
constexpr std::size_t kMaxPhraseWords = 6;  // longer phrases match nothing anyway
constexpr std::size_t kMaxNarrowWords = 2;  // a question so short asks what something is

constexpr std::array<std::string_view, 82> kStopWords = {
    "a",    "about", "after",  "all",   "am",     "an",    "and",   "any",   "are",    "as",
    "at",   "be",    "been",   "but",   "by",     "can",   "could", "did",   "do",     "does",
    "for",  "from",  "had",    "has",   "have",   "he",    "her",   "his",   "how",    "i",
    "if",   "in",    "into",   "is",    "it",     "its",   "me",    "my",    "of",     "on",
    "or",   "our",   "please", "she",   "should", "so",    "some",  "tell",  "than",   "that",
    "the",  "their", "them",   "there", "these",  "they",  "this",  "those", "to",     "us",
    "was",  "we",    "were",   "what",  "when",   "where", "which", "who",   "whom",   "whose",
    "why",  "will",  "with",   "would", "you",    "your",  "s",     "t",     "define", "explain",
    "mean", "means"};

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualsLower(std::string_view word, std::string_view lower) {
  return std::ranges::equal(word, lower, [](char a, char b) { return Lower(a) == b; });
}

bool IsStopWord(std::string_view word) {
  return std::ranges::any_of(kStopWords,
                             [&](std::string_view stop) { return EqualsLower(word, stop); });
}

std::vector<std::string_view> WordsOf(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < text.size() && words.size() < kMaxWords;) {
    if (!IsWordByte(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && IsWordByte(text[end])) {
      ++end;
    }
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

bool AsksForDefinition(const std::vector<std::string_view>& words) {
  if (words.empty()) {
    return false;
  }
  const auto is = [&](std::size_t i, std::string_view lower) {
    return i < words.size() && EqualsLower(words[i], lower);
  };
  return is(0, "define") || is(0, "explain") ||
         (is(0, "what") && (is(1, "is") || is(1, "are") || is(1, "s") || is(1, "does"))) ||
         (is(0, "tell") && is(2, "about")) || (is(0, "who") && is(1, "is"));
}

void AppendQuoted(Plaintext& out, std::span<const std::string_view> words) {
  out.AppendLiteral("\"");
  for (std::size_t i = 0; i < words.size(); ++i) {
    out.AppendLiteral(i == 0 ? "" : " ");
    out.Append(PlaintextView::Of(words[i]));
  }
  out.AppendLiteral("\"");
}

void AppendAnyOf(Plaintext& out, const std::vector<std::string_view>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    out.AppendLiteral(i == 0 ? "" : " OR ");
    AppendQuoted(out, {&words[i], 1});
  }
}

// What a chunk is about in a word or two: its nearest heading, and of "bisect — Array bisection"
// the name alone.
PlaintextView TermOf(PlaintextView heading) {
  constexpr std::string_view kAbove = " > ";
  constexpr std::string_view kDash = " \xe2\x80\x94 ";  // U+2014
  const std::size_t above = heading.Reveal().rfind(kAbove);
  const PlaintextView nearest =
      above == std::string_view::npos ? heading : heading.Part(above + kAbove.size());
  return nearest.Part(0, nearest.Reveal().find(kDash));
}

// Words that stand around a term in its column and in a query for it, so that a phrase matches the
// whole term and not a part of one. No text of a document is in that column without them.
constexpr std::string_view kTermBegin = "termbegins";
constexpr std::string_view kTermEnd = "termends";

}  // namespace

Plaintext KeywordIndex::FtsQuery(PlaintextView question) {
  const std::vector<std::string_view> all = WordsOf(question.Reveal());
  std::vector<std::string_view> words;
  std::ranges::copy_if(all, std::back_inserter(words),
                       [](std::string_view word) { return !IsStopWord(word); });
  if (words.empty()) {
    words = all;
  }
  Plaintext query;
  if (words.empty()) {
    return query;
  }
  query.AppendLiteral("{title heading text} : (");
  AppendAnyOf(query, words);
  const bool phrase = words.size() > 1 && words.size() <= kMaxPhraseWords;
  if (phrase) {
    query.AppendLiteral(" OR ");
    AppendQuoted(query, words);
  }
  query.AppendLiteral(")");
  if (AsksForDefinition(all) || words.size() <= kMaxNarrowWords) {
    // Counts once more where the title or a heading says it: what a page is about.
    query.AppendLiteral(" OR {title heading} : (");
    AppendAnyOf(query, words);
    if (phrase) {
      query.AppendLiteral(" OR ");
      AppendQuoted(query, words);
    }
    query.AppendLiteral(")");
    if (words.size() <= kMaxPhraseWords) {
      std::vector<std::string_view> whole = {kTermBegin};
      whole.insert(whole.end(), words.begin(), words.end());
      whole.push_back(kTermEnd);
      query.AppendLiteral(" OR term : ");
      AppendQuoted(query, whole);
    }
  }
  return query;
}

KeywordIndex::KeywordIndex(storage::Database database, storage::Statement add,
                           storage::Statement remove)
    : database_(std::move(database)), add_(std::move(add)), remove_(std::move(remove)) {}

Result<KeywordIndex> KeywordIndex::Make() {
  Result<storage::Database> database = storage::Database::OpenInMemory();
  if (!database) {
    return std::unexpected(database.error());
  }
  if (Result<void> made = database->Execute(
          "CREATE VIRTUAL TABLE chunk USING fts5(title, heading, text, term, label UNINDEXED,"
          " tokenize = 'porter unicode61 remove_diacritics 2');"
          "INSERT INTO chunk(chunk, rank) VALUES('rank', 'bm25(6.0, 4.0, 1.0, 12.0)');"
          "INSERT INTO chunk(chunk, rank) VALUES('secure-delete', 1);");
      !made) {
    return std::unexpected(made.error());
  }
  Result<storage::Statement> add = database->Prepare(
      "INSERT INTO chunk(rowid, title, heading, text, term, label) VALUES(?, ?, ?, ?, ?, ?)");
  if (!add) {
    return std::unexpected(add.error());
  }
  Result<storage::Statement> remove = database->Prepare("DELETE FROM chunk WHERE rowid = ?");
  if (!remove) {
    return std::unexpected(remove.error());
  }
  return KeywordIndex(std::move(*database), std::move(*add), std::move(*remove));
}

Result<void> KeywordIndex::Begin() { return database_.Execute("BEGIN"); }
Result<void> KeywordIndex::Commit() { return database_.Execute("COMMIT"); }

Result<void> KeywordIndex::Add(std::int64_t row, policy::Label label, PlaintextView title,
                               PlaintextView heading, PlaintextView text) {
  Plaintext term;
  term.AppendLiteral(kTermBegin);
  term.AppendLiteral(" ");
  term.Append(TermOf(heading));
  term.AppendLiteral(" ");
  term.AppendLiteral(kTermEnd);
  add_.Bind(0, row)
      .BindContent(1, title)
      .BindContent(2, heading)
      .BindContent(3, text)
      .BindContent(4, term)
      .Bind(5, static_cast<std::int64_t>(label));
  return add_.Run();
}

Result<void> KeywordIndex::Remove(std::int64_t row) { return remove_.Bind(0, row).Run(); }

Result<std::vector<Ranked>> KeywordIndex::Search(PlaintextView query, policy::Label ceiling,
                                                 std::size_t limit) {
  std::vector<Ranked> found;
  const Plaintext expression = FtsQuery(query);
  if (expression.empty()) {
    return found;
  }
  Result<storage::Statement> search = database_.Prepare(
      "SELECT rowid, rank FROM chunk WHERE chunk MATCH ? AND label <= ? ORDER BY rank LIMIT ?");
  if (!search) {
    return std::unexpected(search.error());
  }
  search->BindContent(0, expression)
      .Bind(1, static_cast<std::int64_t>(ceiling))
      .Bind(2, static_cast<std::int64_t>(limit));
  for (;;) {
    Result<bool> row = search->Step();
    if (!row) {
      return std::unexpected(row.error());
    }
    if (!*row) {
      return found;
    }
    found.push_back({search->Integer(0), -search->Real(1)});  // FTS5: smaller is better
  }
}

Result<IndexedText> KeywordIndex::Get(std::int64_t row) {
  Result<storage::Statement> get =
      database_.Prepare("SELECT title, heading, text FROM chunk WHERE rowid = ?");
  if (!get) {
    return std::unexpected(get.error());
  }
  Result<bool> there = get->Bind(0, row).Step();
  if (!there) {
    return std::unexpected(there.error());
  }
  if (!*there) {
    return Fail(ErrorCode::kNotFound, "no such chunk");
  }
  return IndexedText{.title = Plaintext::Copy(get->Content(0)),
                     .heading = Plaintext::Copy(get->Content(1)),
                     .text = Plaintext::Copy(get->Content(2))};
}

}  // namespace casemate::retrieval
