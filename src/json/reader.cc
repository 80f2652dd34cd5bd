#include "json/reader.h"

#include <malloc.h>
#include <yyjson.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace casemate::json {
namespace {

constexpr std::size_t kMaxPathName = 64;    // bytes of a field name in a path
constexpr std::size_t kMaxMemberKey = 256;  // bytes of a field name handed out

// yyjson's memory: wiped before it is freed, and bounded, because yyjson takes memory for its
// values before anybody has counted them.
class WipedArena {
 public:
  explicit WipedArena(std::size_t max_block) : max_block_(max_block) {}
  yyjson_alc Allocator() {
    return {.malloc = Allocate, .realloc = Reallocate, .free = Free, .ctx = this};
  }
  bool refused() const { return refused_; }

 private:
  static void* Allocate(void* self, std::size_t size) {
    auto* arena = static_cast<WipedArena*>(self);
    if (size > arena->max_block_) {
      arena->refused_ = true;
      return nullptr;
    }
    return std::malloc(size);
  }
  static void* Reallocate(void* self, void* block, std::size_t old_size, std::size_t size) {
    void* fresh = Allocate(self, size);
    if (fresh != nullptr) {
      std::memcpy(fresh, block, std::min(old_size, size));
      Free(self, block);
    }
    return fresh;
  }
  static void Free(void* /*self*/, void* block) {
    if (block != nullptr) {
      Wipe({static_cast<std::byte*>(block), ::malloc_usable_size(block)});
      std::free(block);
    }
  }

  std::size_t max_block_;
  bool refused_ = false;
};

yyjson_val* Node(const void* node) {
  return static_cast<yyjson_val*>(const_cast<void*>(node));  // yyjson's getters take no const
}

std::string_view TextOf(yyjson_val* node) { return {yyjson_get_str(node), yyjson_get_len(node)}; }

// The first bytes of a name, cut between two characters.
std::string Cut(std::string_view name, std::size_t max_bytes) {
  if (name.size() > max_bytes) {
    std::size_t end = max_bytes;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) {
      --end;
    }
    name = name.substr(0, end);
  }
  return std::string(name);
}

std::string MemberPath(const std::string& path, std::string_view key) {
  return path.empty() ? Cut(key, kMaxPathName) : path + "." + Cut(key, kMaxPathName);
}

std::string_view KindName(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kBool:
      return "a boolean";
    case Value::Kind::kInteger:
      return "an integer";
    case Value::Kind::kNumber:
      return "a number";
    case Value::Kind::kString:
      return "a string";
    case Value::Kind::kArray:
      return "an array";
    case Value::Kind::kObject:
      return "an object";
  }
  return "something else";
}

std::unexpected<Error> FailAt(const std::string& path, std::string message) {
  std::unexpected<Error> failure = Fail(ErrorCode::kInvalidArgument, std::move(message));
  failure.error().param = path;
  return failure;
}

std::unexpected<Error> WrongKind(const Value& value, std::string_view expected) {
  return FailAt(value.path(), "expected " + std::string(expected) + ", found " +
                                  std::string(KindName(value.kind())));
}

// What the grammar leaves open: names that come twice mean different things to different readers,
// and depth costs every recursive reader behind us its stack.
Result<void> CheckStructure(yyjson_val* node, std::size_t depth, std::size_t max_depth) {
  if (!yyjson_is_ctn(node)) {
    return {};
  }
  if (depth == max_depth) {
    return Fail(ErrorCode::kInvalidArgument,
                "JSON is nested deeper than " + std::to_string(max_depth) + " levels");
  }
  std::size_t index = 0;
  std::size_t count = 0;
  yyjson_val* child = nullptr;
  if (yyjson_is_arr(node)) {
    yyjson_arr_foreach(node, index, count, child) {
      if (auto checked = CheckStructure(child, depth + 1, max_depth); !checked) {
        return checked;
      }
    }
    return {};
  }
  std::vector<std::string_view> names;
  names.reserve(yyjson_obj_size(node));
  yyjson_val* key = nullptr;
  yyjson_obj_foreach(node, index, count, key, child) {
    names.push_back(TextOf(key));
    if (auto checked = CheckStructure(child, depth + 1, max_depth); !checked) {
      return checked;
    }
  }
  std::ranges::sort(names);
  if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) {
    std::unexpected<Error> failure =
        Fail(ErrorCode::kInvalidArgument, "a field stands twice in one object");
    failure.error().param = Cut(*twice, kMaxPathName);
    return failure;
  }
  return {};
}

std::unexpected<Error> Malformed(std::string_view text, const yyjson_read_err& error) {
  std::size_t line = 1;
  std::size_t column = 1;
  std::size_t character = 0;
  yyjson_locate_pos(text.data(), text.size(), std::min(error.pos, text.size()), &line, &column,
                    &character);
  // yyjson's messages are constants of its own: no content.
  return Fail(ErrorCode::kInvalidArgument, "not JSON: " + std::string(error.msg) + " at byte " +
                                               std::to_string(error.pos) + ", line " +
                                               std::to_string(line));
}

}  // namespace

struct Document::State {
  explicit State(std::size_t max_block) : arena(max_block) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { yyjson_doc_free(doc); }

  WipedArena arena;
  yyjson_doc* doc = nullptr;
};

Document::Document(std::unique_ptr<State> state) : state_(std::move(state)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;
Value Document::root() const { return {yyjson_doc_get_root(state_->doc), ""}; }

Result<Document> Document::Parse(PlaintextView text, const Limits& limits) {
  const std::string_view bytes = text.Reveal();
  if (bytes.size() > limits.max_bytes) {
    return Fail(ErrorCode::kTooLarge, "JSON of " + std::to_string(bytes.size()) +
                                          " bytes, expected at most " +
                                          std::to_string(limits.max_bytes));
  }
  // One block holds the copied text; another the values, 16 bytes each, which yyjson first guesses
  // from the size of the text (a sixth of it) and then grows by halves.
  const std::size_t max_block =
      (3 * bytes.size()) + (32 * limits.max_values) + (std::size_t{64} * 1024);
  auto state = std::make_unique<State>(max_block);
  const yyjson_alc allocator = state->arena.Allocator();
  yyjson_read_err error{};
  // Without YYJSON_READ_INSITU the text is only read.
  state->doc = yyjson_read_opts(const_cast<char*>(bytes.data()), bytes.size(), YYJSON_READ_NOFLAG,
                                &allocator, &error);
  if (state->doc == nullptr) {
    if (state->arena.refused()) {
      return Fail(ErrorCode::kTooLarge, "JSON has too many values, expected at most " +
                                            std::to_string(limits.max_values));
    }
    if (error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
      return Fail(ErrorCode::kResourceExhausted, "no memory to read JSON");
    }
    return Malformed(bytes, error);
  }
  if (yyjson_doc_get_val_count(state->doc) > limits.max_values) {
    return Fail(ErrorCode::kTooLarge,
                "JSON of " + std::to_string(yyjson_doc_get_val_count(state->doc)) +
                    " values and names, expected at most " + std::to_string(limits.max_values));
  }
  if (auto checked = CheckStructure(yyjson_doc_get_root(state->doc), 0, limits.max_depth);
      !checked) {
    return std::unexpected(checked.error());
  }
  return Document(std::move(state));
}

Value::Kind Value::kind() const {
  yyjson_val* node = Node(node_);
  switch (yyjson_get_type(node)) {
    case YYJSON_TYPE_BOOL:
      return Kind::kBool;
    case YYJSON_TYPE_NUM:
      return yyjson_is_int(node) ? Kind::kInteger : Kind::kNumber;
    case YYJSON_TYPE_STR:
      return Kind::kString;
    case YYJSON_TYPE_ARR:
      return Kind::kArray;
    case YYJSON_TYPE_OBJ:
      return Kind::kObject;
    default:
      return Kind::kNull;
  }
}

Result<bool> Value::AsBool() const {
  if (kind() != Kind::kBool) {
    return WrongKind(*this, "a boolean");
  }
  return yyjson_get_bool(Node(node_));
}

Result<std::int64_t> Value::AsInteger() const {
  yyjson_val* node = Node(node_);
  if (kind() != Kind::kInteger) {
    return WrongKind(*this, "an integer");
  }
  if (yyjson_is_uint(node) && yyjson_get_uint(node) > static_cast<std::uint64_t>(INT64_MAX)) {
    return FailAt(path_, "expected an integer of at most 9223372036854775807, found a larger one");
  }
  return yyjson_get_sint(node);
}

Result<double> Value::AsNumber() const {
  if (kind() != Kind::kInteger && kind() != Kind::kNumber) {
    return WrongKind(*this, "a number");
  }
  return yyjson_get_num(Node(node_));
}

Result<PlaintextView> Value::AsString() const {
  if (kind() != Kind::kString) {
    return WrongKind(*this, "a string");
  }
  return PlaintextView::Of(TextOf(Node(node_)));
}

Result<std::string> Value::AsName(std::size_t max_bytes) const {
  if (kind() != Kind::kString) {
    return WrongKind(*this, "a string");
  }
  const std::string_view text = TextOf(Node(node_));
  if (text.size() > max_bytes) {
    return FailAt(path_, "expected at most " + std::to_string(max_bytes) + " bytes, found " +
                             std::to_string(text.size()));
  }
  if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) {
    return FailAt(path_, "expected printable ASCII, found another character");
  }
  return std::string(text);
}

std::size_t Value::size() const {
  yyjson_val* node = Node(node_);
  return yyjson_is_ctn(node) ? yyjson_get_len(node) : 0;
}

std::vector<Value> Value::Elements() const {
  std::vector<Value> elements;
  yyjson_val* node = Node(node_);
  if (!yyjson_is_arr(node)) {
    for (Member& member : Members()) {
      elements.push_back(std::move(member.value));
    }
    return elements;
  }
  elements.reserve(yyjson_arr_size(node));
  std::size_t index = 0;
  std::size_t count = 0;
  yyjson_val* child = nullptr;
  yyjson_arr_foreach(node, index, count, child) {
    elements.push_back(Value(child, path_ + "[" + std::to_string(index) + "]"));
  }
  return elements;
}

std::vector<Value::Member> Value::Members() const {
  std::vector<Member> members;
  yyjson_val* node = Node(node_);
  members.reserve(yyjson_obj_size(node));
  std::size_t index = 0;
  std::size_t count = 0;
  yyjson_val* key = nullptr;
  yyjson_val* child = nullptr;
  yyjson_obj_foreach(node, index, count, key, child) {
    members.push_back({.key = Cut(TextOf(key), kMaxMemberKey),
                       .value = Value(child, MemberPath(path_, TextOf(key)))});
  }
  return members;
}

std::optional<Value> Value::Get(std::string_view key) const {
  yyjson_val* child = yyjson_obj_getn(Node(node_), key.data(), key.size());
  if (child == nullptr) {
    return std::nullopt;
  }
  return Value(child, MemberPath(path_, key));
}

std::optional<Value> Value::GetSet(std::string_view key) const {
  std::optional<Value> value = Get(key);
  return value && value->is_null() ? std::nullopt : value;
}

Result<Value> Value::Require(std::string_view key) const {
  if (kind() != Kind::kObject) {
    return WrongKind(*this, "an object");
  }
  std::optional<Value> value = Get(key);
  if (!value) {
    return FailAt(MemberPath(path_, key), "this field is required");
  }
  return std::move(*value);
}

}  // namespace casemate::json
