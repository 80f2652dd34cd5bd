#include "assess/report_page.h"

#include "base/table_text.h"

namespace casemate::assess {
void Page::EndItems() {
  out_ += in_items_ ? "\n" : "";
  in_items_ = false;
}

void Page::Heading(std::string_view hashes, std::string_view text) {
  EndItems();
  out_ += std::string(hashes) + " " + std::string(text) + "\n\n";
}

void Page::Text(std::string_view text) {
  EndItems();
  out_ += std::string(text) + "\n\n";
}

void Page::Item(std::string_view text) {
  out_ += "- " + std::string(text) + "\n";
  in_items_ = true;
}

void Page::Todo(std::string_view what, std::string_view who) {
  Item("[ ] " + language_.Get(what) + ": **" + language_.Fill("register.todo", {who}) + "**");
}

void Page::Table(std::initializer_list<std::string_view> columns,
                 const std::vector<std::vector<std::string>>& rows) {
  EndItems();
  if (rows.empty()) {
    Text(language_.Get("register.none"));
    return;
  }
  std::string line = "|";
  out_ += "|";
  for (const std::string_view column : columns) {
    out_ += " " + language_.Get(column) + " |";
    line += "---|";
  }
  out_ += "\n" + line + "\n";
  for (const std::vector<std::string>& row : rows) {
    out_ += "|";
    for (const std::string& cell : row) {
      out_ += " " + MarkdownCell(cell) + " |";
    }
    out_ += "\n";
  }
  out_ += "\n";
}

}  // namespace casemate::assess
