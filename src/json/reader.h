#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "secmem/plaintext.h"

// Bounded reading of JSON (RFC 8259) into memory that is wiped. Strings come out as PlaintextView,
// because nobody knows which of them is a prompt.
namespace casemate::json {

struct Limits {
  std::size_t max_bytes = std::size_t{32} * 1024 * 1024;
  std::size_t max_depth = 32;
  std::size_t max_values = 1'000'000;
};

class Document;

// One value of a Document, valid as long as it. Cheap to copy.
class Value {
 public:
  enum class Kind : unsigned char { kNull, kBool, kInteger, kNumber, kString, kArray, kObject };
  Kind kind() const;
  bool is_null() const { return kind() == Kind::kNull; }

  // The typed reads. Errors: kInvalidArgument with `param` set to this value's path
  // ("messages[0].content") and a message "expected a string, found a number".
  [[nodiscard]] Result<bool> AsBool() const;
  [[nodiscard]] Result<std::int64_t> AsInteger() const;  // 1.0 is refused
  [[nodiscard]] Result<double> AsNumber() const;
  [[nodiscard]] Result<PlaintextView> AsString() const;
  // A short token of the protocol ("user", "auto", a model's name, an id), not content: at most
  // `max_bytes` of printable ASCII. Errors: kInvalidArgument.
  [[nodiscard]] Result<std::string> AsName(std::size_t max_bytes = 256) const;

  // Array: its elements. Object: its values. Else empty.
  std::size_t size() const;
  std::vector<Value> Elements() const;
  struct Member;
  std::vector<Member> Members() const;  // in the order of the text
  // Object member, or nothing when absent (or this is no object).
  std::optional<Value> Get(std::string_view key) const;
  // As Get, but null counts as absent: what OpenAI's optional fields mean.
  std::optional<Value> GetSet(std::string_view key) const;
  [[nodiscard]] Result<Value> Require(std::string_view key) const;

  const std::string& path() const { return path_; }

 private:
  friend class Document;
  Value(const void* node, std::string path) : node_(node), path_(std::move(path)) {}
  const void* node_;
  std::string path_;  // field names and indexes only; names longer than 64 bytes are cut
};

struct Value::Member {
  std::string key;  // field name as sent, cut at 256 bytes
  Value value;
};

// Owns a parsed text; everything it allocated is zeroed at the end. Move-only.
class Document {
 public:
  // Errors: kInvalidArgument: not JSON ("unexpected character at byte 17, line 2"), too deep, a
  // name twice in one object, invalid UTF-8. kTooLarge.
  [[nodiscard]] static Result<Document> Parse(PlaintextView text, const Limits& limits = {});
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();
  Value root() const;

 private:
  struct State;
  explicit Document(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace casemate::json
