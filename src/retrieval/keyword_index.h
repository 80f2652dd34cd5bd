#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "policy/label.h"
#include "secmem/plaintext.h"
#include "storage/sqlite.h"

namespace casemate::retrieval {

// A row of an index (a chunk) and how well it fits, best first.
struct Ranked {
  std::int64_t row = 0;
  double score = 0;  // greater is better; comparable within one answer only
};

struct IndexedText {
  Plaintext title;    // of the document
  Plaintext heading;  // path of headings
  Plaintext text;
};

// Full-text index of chunks: SQLite FTS5 in memory, Porter stems, BM25 (Robertson and Zaragoza
// 2009) with weights 6, 4, 1 for title, heading and text, and 12 where a question for a definition
// asks for exactly what the nearest heading says. Removed text is overwritten. Threads: one
// at a time.
class KeywordIndex {
 public:
  [[nodiscard]] static Result<KeywordIndex> Make();

  // Many calls of Add are fast between Begin and Commit.
  [[nodiscard]] Result<void> Begin();
  [[nodiscard]] Result<void> Commit();
  [[nodiscard]] Result<void> Add(std::int64_t row, policy::Label label, PlaintextView title,
                                 PlaintextView heading, PlaintextView text);
  [[nodiscard]] Result<void> Remove(std::int64_t row);

  // Rows of at most `ceiling` that have any of the query's words, the best `limit`.
  [[nodiscard]] Result<std::vector<Ranked>> Search(PlaintextView query, policy::Label ceiling,
                                                   std::size_t limit);
  // Errors: kNotFound.
  [[nodiscard]] Result<IndexedText> Get(std::int64_t row);

  // The FTS5 expression for a question: its words quoted and OR-ed, without stop words unless there
  // are only those; the words in a row as a phrase; for a question about a definition ("What is
  // X?") the words again, within title and heading only. Empty: no words. Nothing of the question
  // but letters, digits and bytes from 0x80 gets through.
  static Plaintext FtsQuery(PlaintextView question);

 private:
  KeywordIndex(storage::Database database, storage::Statement add, storage::Statement remove);
  storage::Database database_;
  storage::Statement add_;
  storage::Statement remove_;
};

}  // namespace casemate::retrieval
