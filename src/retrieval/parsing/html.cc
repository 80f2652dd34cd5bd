#include "retrieval/parsing/html.h"

#include <lexbor/dom/dom.h>
#include <lexbor/html/html.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "retrieval/parsing/block_writer.h"

namespace casemate::retrieval {
namespace {

constexpr std::size_t kPieceBytes = 2048;  // depth is looked at between pieces

struct FreeParser {
  void operator()(lxb_html_parser_t* parser) const { ::lxb_html_parser_destroy(parser); }
};
struct FreeDocument {
  void operator()(lxb_html_document_t* document) const { ::lxb_html_document_destroy(document); }
};
using Document = std::unique_ptr<lxb_html_document_t, FreeDocument>;

// In pieces: a page of a hundred thousand open elements costs time that grows with its square.
Result<Document> BuildTree(std::string_view text) {
  const std::unique_ptr<lxb_html_parser_t, FreeParser> parser(::lxb_html_parser_create());
  if (!parser || ::lxb_html_parser_init(parser.get()) != LXB_STATUS_OK) {
    return Fail(ErrorCode::kResourceExhausted, "no memory to read the page");
  }
  Document document(::lxb_html_parse_chunk_begin(parser.get()));
  if (!document) {
    return Fail(ErrorCode::kResourceExhausted, "no memory to read the page");
  }
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, kPieceBytes);
    text.remove_prefix(piece.size());
    const auto* bytes = reinterpret_cast<const lxb_char_t*>(piece.data());
    if (::lxb_html_parse_chunk_process(parser.get(), bytes, piece.size()) != LXB_STATUS_OK) {
      return Fail(ErrorCode::kInvalidArgument, "the page cannot be read");
    }
    if (::lexbor_array_length(parser->tree->open_elements) > kMaxHtmlDepth) {
      return Fail(ErrorCode::kTooLarge,
                  "the page nests deeper than " + std::to_string(kMaxHtmlDepth) + " elements");
    }
  }
  if (::lxb_html_parse_chunk_end(parser.get()) != LXB_STATUS_OK) {
    return Fail(ErrorCode::kInvalidArgument, "the page cannot be read");
  }
  return document;
}

std::string_view Attribute(lxb_dom_node_t* node, std::string_view name) {
  std::size_t size = 0;
  const lxb_char_t* value = ::lxb_dom_element_get_attribute(
      lxb_dom_interface_element(node), reinterpret_cast<const lxb_char_t*>(name.data()),
      name.size(), &size);
  return value == nullptr ? std::string_view()
                          : std::string_view(reinterpret_cast<const char*>(value), size);
}

// One of a list of words parted by white space, as in class="a b".
bool HasWord(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find_first_of(" \t\n"), list.size());
    if (list.substr(0, end) == word) {
      return true;
    }
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

bool IsElement(const lxb_dom_node_t* node) { return node->type == LXB_DOM_NODE_TYPE_ELEMENT; }

bool IsNeverText(lxb_tag_id_t tag) {
  switch (tag) {
    case LXB_TAG_SCRIPT:
    case LXB_TAG_STYLE:
    case LXB_TAG_NOSCRIPT:
    case LXB_TAG_TEMPLATE:
    case LXB_TAG_NAV:
    case LXB_TAG_FOOTER:
    case LXB_TAG_IFRAME:
    case LXB_TAG_OBJECT:
    case LXB_TAG_SVG:
    case LXB_TAG_MATH:
    case LXB_TAG_CANVAS:
    case LXB_TAG_AUDIO:
    case LXB_TAG_VIDEO:
    case LXB_TAG_BUTTON:
    case LXB_TAG_SELECT:
    case LXB_TAG_TEXTAREA:
    case LXB_TAG_INPUT:
    case LXB_TAG_DATALIST:
    case LXB_TAG_HEAD:
      return true;
    default:
      return false;
  }
}

// A page's header is no content, an article's holds its heading.
bool IsPageHeader(const lxb_dom_node_t* node) {
  for (const lxb_dom_node_t* up = node->parent; up != nullptr; up = up->parent) {
    if (up->local_name == LXB_TAG_ARTICLE || up->local_name == LXB_TAG_MAIN ||
        up->local_name == LXB_TAG_SECTION) {
      return false;
    }
  }
  return true;
}

bool IsSkipped(lxb_dom_node_t* node) {
  const lxb_tag_id_t tag = node->local_name;
  if (IsNeverText(tag) || (tag == LXB_TAG_HEADER && IsPageHeader(node))) {
    return true;
  }
  const std::string_view role = Attribute(node, "role");
  if (role == "navigation" || role == "search" || role == "banner" || role == "contentinfo" ||
      Attribute(node, "aria-hidden") == "true") {
    return true;
  }
  constexpr std::array kClasses = {"sphinxsidebar", "sphinxsidebarwrapper", "related",
                                   "headerlink",    "viewcode-link",        "viewcode-back",
                                   "linenos",       "breadcrumbs",          "skip-link"};
  const std::string_view list = Attribute(node, "class");
  for (const char* name : kClasses) {
    if (HasWord(list, name)) {
      return true;
    }
  }
  return false;
}

// What follows `node` when its children are left out, within `root`; calls `leave` for every
// element that ends on the way.
template <typename Leave>
lxb_dom_node_t* After(lxb_dom_node_t* node, const lxb_dom_node_t* root, const Leave& leave) {
  while (node != nullptr && node != root) {
    leave(node);
    if (node->next != nullptr) {
      return node->next;
    }
    node = node->parent;
  }
  return nullptr;
}

// Walks the tree without recursion and writes blocks.
class Walker {
 public:
  Walker(lxb_dom_node_t* root, BlockWriter& writer) : root_(root), writer_(&writer) {
    open_.push_back({.node = root});
  }

  void Run() {
    lxb_dom_node_t* node = root_->first_child;
    const auto leave = [this](lxb_dom_node_t* left) { Leave(left); };
    while (node != nullptr) {
      const bool inside = Enter(node);
      if (inside && node->first_child != nullptr) {
        node = node->first_child;
      } else {
        node = After(node, root_, leave);
      }
    }
    Flush();
  }

 private:
  struct Open {
    lxb_dom_node_t* node = nullptr;
    BlockKind kind = BlockKind::kParagraph;
    std::uint8_t level = 0;
  };

  bool in_table() const { return table_ != nullptr; }

  // True: its children are to be walked.
  bool Enter(lxb_dom_node_t* node) {
    if (node->type == LXB_DOM_NODE_TYPE_TEXT) {
      const lexbor_str_t& data = lxb_dom_interface_text(node)->char_data.data;
      buffer_.Append(PlaintextView::Of(
          std::string_view(reinterpret_cast<const char*>(data.data), data.length)));
      return false;
    }
    if (!IsElement(node) || IsSkipped(node)) {
      return false;
    }
    const lxb_tag_id_t tag = node->local_name;
    if (tag == LXB_TAG_BR) {
      buffer_.AppendLiteral("\n");
    } else if (in_table()) {
      EnterInTable(tag);
    } else if (tag == LXB_TAG_TABLE && !HasWord(Attribute(node, "class"), "highlighttable")) {
      Flush();
      open_.push_back({.node = node, .kind = BlockKind::kTable});
      table_ = node;
    } else if (const std::optional<Open> open = Structure(node); open) {
      Flush();
      open_.push_back(*open);
    }
    return true;
  }

  void EnterInTable(lxb_tag_id_t tag) {
    if (tag == LXB_TAG_TR || tag == LXB_TAG_CAPTION) {
      EndRow();
    } else if (tag == LXB_TAG_TD || tag == LXB_TAG_TH) {
      EndCell();
    } else if (tag == LXB_TAG_P || tag == LXB_TAG_DIV || tag == LXB_TAG_LI) {
      buffer_.AppendLiteral(" ");
    }
  }

  void Leave(lxb_dom_node_t* node) {
    if (open_.back().node != node || open_.size() == 1) {
      return;
    }
    if (in_table() && node == table_) {
      EndRow();
      table_ = nullptr;
      std::swap(buffer_, rows_);
      rows_.Clear();
    }
    Flush();
    open_.pop_back();
  }

  // The elements that begin a block. What is not named here passes on what stands around it.
  std::optional<Open> Structure(lxb_dom_node_t* node) const {
    const Open& around = open_.back();
    switch (node->local_name) {
      case LXB_TAG_H1:
      case LXB_TAG_H2:
      case LXB_TAG_H3:
      case LXB_TAG_H4:
      case LXB_TAG_H5:
      case LXB_TAG_H6:
        return Open{node, BlockKind::kHeading, HeadingLevel(node->local_name)};
      case LXB_TAG_LI:
        return Open{node, BlockKind::kListItem, 0};
      case LXB_TAG_PRE:
        return Open{node, BlockKind::kCode, 0};
      case LXB_TAG_DT:
        return Open{node, BlockKind::kTerm, 0};
      case LXB_TAG_P:
      case LXB_TAG_DIV:
      case LXB_TAG_BLOCKQUOTE:
      case LXB_TAG_SECTION:
      case LXB_TAG_ARTICLE:
      case LXB_TAG_MAIN:
      case LXB_TAG_ASIDE:
      case LXB_TAG_HEADER:
      case LXB_TAG_FIGURE:
      case LXB_TAG_FIGCAPTION:
      case LXB_TAG_DETAILS:
      case LXB_TAG_SUMMARY:
      case LXB_TAG_ADDRESS:
      case LXB_TAG_HR:
      case LXB_TAG_FORM:
      case LXB_TAG_FIELDSET:
        return Open{node, around.kind, around.level};
      case LXB_TAG_UL:
      case LXB_TAG_OL:
      case LXB_TAG_DL:
      case LXB_TAG_DD:
      case LXB_TAG_TD:  // of a table that only places things
        return Open{node, BlockKind::kParagraph, 0};
      default:
        return std::nullopt;
    }
  }

  static std::uint8_t HeadingLevel(lxb_tag_id_t tag) {
    switch (tag) {
      case LXB_TAG_H1:
        return 1;
      case LXB_TAG_H2:
        return 2;
      case LXB_TAG_H3:
        return 3;
      case LXB_TAG_H4:
        return 4;
      case LXB_TAG_H5:
        return 5;
      default:
        return 6;
    }
  }

  void EndCell() {
    BlockWriter cell;
    cell.Add(BlockKind::kParagraph, 0, buffer_);
    buffer_.Clear();
    Result<ParsedDocument> made = cell.Finish();
    if (made && !made->text.empty()) {
      row_.AppendLiteral(row_.empty() ? "" : " | ");
      row_.Append(made->text);
    }
  }
  void EndRow() {
    EndCell();
    if (!row_.empty()) {
      rows_.Append(row_);
      rows_.AppendLiteral("\n");
      row_.Clear();
    }
  }

  void Flush() {
    const Open& open = open_.back();
    if (open.kind == BlockKind::kHeading && open.level == 1) {
      writer_->SetTitle(buffer_);
    }
    writer_->Add(open.kind, open.level, buffer_);
    buffer_.Clear();
  }

  lxb_dom_node_t* root_;
  BlockWriter* writer_;
  std::vector<Open> open_;           // the elements around, outermost first; at most kMaxHtmlDepth
  lxb_dom_node_t* table_ = nullptr;  // the outermost open table; those within become its text
  Plaintext buffer_;                 // of the block, or cell, being read
  Plaintext row_;
  Plaintext rows_;
};

lxb_dom_node_t* FindMain(lxb_dom_node_t* body) {
  lxb_dom_node_t* node = body->first_child;
  while (node != nullptr) {
    if (IsElement(node) &&
        (node->local_name == LXB_TAG_MAIN || Attribute(node, "role") == "main")) {
      return node;
    }
    node = node->first_child != nullptr ? node->first_child
                                        : After(node, body, [](lxb_dom_node_t*) {});
  }
  return nullptr;
}

}  // namespace

Result<ParsedDocument> ParseHtml(PlaintextView text) {
  Result<Document> document = BuildTree(text.Reveal());
  if (!document) {
    return std::unexpected(document.error());
  }
  BlockWriter writer;
  std::size_t size = 0;
  const lxb_char_t* title = ::lxb_html_document_title(document->get(), &size);
  if (title != nullptr) {
    writer.SetTitle(
        PlaintextView::Of(std::string_view(reinterpret_cast<const char*>(title), size)));
  }
  lxb_html_body_element_t* element = ::lxb_html_document_body_element(document->get());
  if (element == nullptr) {
    return writer.Finish();  // a page of frames
  }
  lxb_dom_node_t* body = lxb_dom_interface_node(element);
  if (lxb_dom_node_t* main = FindMain(body); main != nullptr) {
    Walker(main, writer).Run();
  }
  if (writer.blocks() == 0) {
    Walker(body, writer).Run();
  }
  return writer.Finish();
}

}  // namespace casemate::retrieval
