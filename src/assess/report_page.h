#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "assess/language.h"

namespace casemate::assess {

// A Markdown page in the words of a language.
class Page {
 public:
  explicit Page(const Language& language) : language_(language) {}

  void Heading(std::string_view hashes, std::string_view text);
  void Text(std::string_view text);  // a paragraph
  void Item(std::string_view text);
  // "- [ ] WHAT: to be done by WHO"; `what` names a text.
  void Todo(std::string_view what, std::string_view who);
  // Columns name texts; a bar in a cell is escaped. No rows: a line that says so.
  void Table(std::initializer_list<std::string_view> columns,
             const std::vector<std::vector<std::string>>& rows);
  const Language& language() const { return language_; }
  std::string Take() { return std::move(out_); }

 private:
  void EndItems();
  const Language& language_;
  std::string out_;
  bool in_items_ = false;
};

}  // namespace casemate::assess
