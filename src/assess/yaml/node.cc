#include "assess/yaml/node.h"

#include <yaml.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace casemate::assess::yaml {
namespace {

Mark MarkOf(const yaml_mark_t& mark) {
  return {.line = static_cast<std::uint32_t>(mark.line) + 1,
          .column = static_cast<std::uint32_t>(mark.column) + 1};
}

class Parser {
 public:
  explicit Parser(std::string_view text) {
    ready_ = yaml_parser_initialize(&parser_) == 1;
    if (ready_) {
      yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
      yaml_parser_set_input_string(
          &parser_, reinterpret_cast<const unsigned char*>(text.empty() ? "" : text.data()),
          text.size());
    }
  }
  ~Parser() {
    if (ready_) {
      yaml_parser_delete(&parser_);
    }
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  bool ready() const { return ready_; }
  yaml_parser_t& raw() { return parser_; }

 private:
  yaml_parser_t parser_{};
  bool ready_ = false;
};

class Event {
 public:
  Event() = default;
  ~Event() { yaml_event_delete(&event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  yaml_event_t& raw() { return event_; }

 private:
  yaml_event_t event_{};
};

std::unexpected<Error> FailOf(const yaml_parser_t& parser) {
  if (parser.error == YAML_READER_ERROR) {  // it knows an offset only
    return Fail(ErrorCode::kInvalidArgument,
                "byte " + std::to_string(parser.problem_offset) + ": expected UTF-8 text: " +
                    (parser.problem == nullptr ? "unreadable" : parser.problem));
  }
  if (parser.error == YAML_MEMORY_ERROR) {
    return Fail(ErrorCode::kResourceExhausted, "no memory for this YAML");
  }
  std::string message = "not YAML: ";
  message += parser.problem == nullptr ? "unreadable" : parser.problem;
  if (parser.context != nullptr) {
    message += std::string(", ") + parser.context + " that begins in line " +
               std::to_string(parser.context_mark.line + 1);
  }
  return FailAt(MarkOf(parser.problem_mark), message);
}

// Puts nodes together from events; no recursion, so depth costs no stack.
class Builder {
 public:
  explicit Builder(const Limits& limits) : limits_(limits) {}

  // True when the stream has ended.
  Result<bool> Take(yaml_event_t& event) {
    const Mark mark = MarkOf(event.start_mark);
    switch (event.type) {
      case YAML_STREAM_END_EVENT:
        return true;
      case YAML_DOCUMENT_START_EVENT:
        if (++documents_ > 1) {
          return FailAt(mark, "a second document begins; one file describes one thing: split it");
        }
        return false;
      case YAML_ALIAS_EVENT:
        return FailAt(mark,
                      "aliases (*name) are refused, because a few lines of them can stand for "
                      "gigabytes; write the value out, or put it into a catalogue and `use:` it");
      case YAML_SCALAR_EVENT:
        return TakeScalar(event, mark);
      case YAML_SEQUENCE_START_EVENT:
        return Open(Node::Kind::kSequence, mark, event.data.sequence_start.anchor,
                    event.data.sequence_start.tag);
      case YAML_MAPPING_START_EVENT:
        return Open(Node::Kind::kMapping, mark, event.data.mapping_start.anchor,
                    event.data.mapping_start.tag);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        return Close();
      default:
        return false;
    }
  }

  bool has_root() const { return has_root_; }
  Node TakeRoot() { return std::move(root_); }

 private:
  struct Frame {
    Node node;
    bool has_name = false;  // mapping: a name was read and its value is next
    std::string name;
    Mark name_mark;
    std::map<std::string, std::uint32_t, std::less<>> lines;  // of the names so far
  };

  Result<bool> TakeScalar(yaml_event_t& event, Mark mark) {
    const auto& scalar = event.data.scalar;
    std::string text(reinterpret_cast<const char*>(scalar.value), scalar.length);
    if (Result<void> plain = CheckPlain(mark, scalar.anchor, scalar.tag); !plain) {
      return std::unexpected(plain.error());
    }
    if (!frames_.empty() && frames_.back().node.is_mapping() && !frames_.back().has_name) {
      return TakeName(std::move(text), mark);
    }
    Node node;
    node.mark = mark;
    node.text = std::move(text);
    node.quoted = scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return Place(std::move(node));
  }

  Result<bool> TakeName(std::string name, Mark mark) {
    Frame& frame = frames_.back();
    const auto [before, is_new] = frame.lines.emplace(name, mark.line);
    if (!is_new) {
      return FailAt(mark, "\"" + name + "\" stands here twice (first in line " +
                              std::to_string(before->second) + "); keep one");
    }
    frame.name = std::move(name);
    frame.name_mark = mark;
    frame.has_name = true;
    return false;
  }

  static Result<void> CheckPlain(Mark mark, const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (anchor != nullptr) {
      return FailAt(mark, "anchors (&name) are refused: nothing may refer to them");
    }
    if (tag != nullptr) {
      return FailAt(mark, "tags (!name) are refused: write the plain value");
    }
    return {};
  }

  Result<bool> Open(Node::Kind kind, Mark mark, const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (Result<void> plain = CheckPlain(mark, anchor, tag); !plain) {
      return std::unexpected(plain.error());
    }
    if (!frames_.empty() && frames_.back().node.is_mapping() && !frames_.back().has_name) {
      return FailAt(mark, "expected a name, found a list or a mapping as one");
    }
    if (frames_.size() >= limits_.max_depth) {
      return FailAt(mark, "nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    }
    Frame frame;
    frame.node.kind = kind;
    frame.node.mark = mark;
    frames_.push_back(std::move(frame));
    return false;
  }

  Result<bool> Close() {
    Node node = std::move(frames_.back().node);
    frames_.pop_back();
    return Place(std::move(node));
  }

  Result<bool> Place(Node node) {
    if (++nodes_ > limits_.max_nodes) {
      Result<bool> refused = FailAt(
          node.mark, "more than " + std::to_string(limits_.max_nodes) + " values: split the file");
      refused.error().code = ErrorCode::kTooLarge;
      return refused;
    }
    if (frames_.empty()) {
      root_ = std::move(node);
      has_root_ = true;
      return false;
    }
    Frame& frame = frames_.back();
    if (frame.node.is_sequence()) {
      frame.node.items.push_back(std::move(node));
    } else {
      frame.node.entries.push_back(
          {.name = std::move(frame.name), .mark = frame.name_mark, .value = std::move(node)});
      frame.has_name = false;
    }
    return false;
  }

  Limits limits_;
  std::vector<Frame> frames_;
  Node root_;
  bool has_root_ = false;
  std::size_t documents_ = 0;
  std::size_t nodes_ = 0;
};

// Levenshtein's distance.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

const Node* Node::Get(std::string_view name) const {
  for (const Entry& entry : entries) {
    if (entry.name == name) {
      return &entry.value;
    }
  }
  return nullptr;
}

std::string_view KindName(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kSequence:
      return "a list";
    case Node::Kind::kMapping:
      return "a mapping";
    case Node::Kind::kScalar:
      break;
  }
  return node.text.empty() && !node.quoted ? "nothing" : "a text";
}

Result<Node> Parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.max_bytes) {
    return Fail(ErrorCode::kTooLarge, "a file of " + std::to_string(text.size()) +
                                          " bytes; a description has at most " +
                                          std::to_string(limits.max_bytes) + ": split it");
  }
  Parser parser(text);
  if (!parser.ready()) {
    return Fail(ErrorCode::kResourceExhausted, "no memory for a YAML parser");
  }
  Builder builder(limits);
  while (true) {
    Event event;
    if (yaml_parser_parse(&parser.raw(), &event.raw()) == 0) {
      return FailOf(parser.raw());
    }
    Result<bool> ended = builder.Take(event.raw());
    if (!ended) {
      return std::unexpected(ended.error());
    }
    if (*ended) {
      break;
    }
  }
  if (!builder.has_root()) {
    return FailAt({.line = 1, .column = 1}, "the file is empty");
  }
  return builder.TakeRoot();
}

std::unexpected<Error> FailAt(Mark mark, std::string_view message) {
  return Fail(
      ErrorCode::kInvalidArgument,
      std::to_string(mark.line) + ":" + std::to_string(mark.column) + ": " + std::string(message));
}

std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& known) {
  if (word.size() > 64) {
    return {};
  }
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    if (const std::size_t distance = Distance(word, candidate); distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best.empty() ? std::string() : " (did you mean \"" + std::string(best) + "\"?)";
}

}  // namespace casemate::assess::yaml
