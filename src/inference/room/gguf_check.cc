#include "inference/room/gguf_check.h"

#include <bit>
#include <cstring>
#include <set>
#include <string_view>

#include "ggml.h"
#include "gguf.h"

namespace casemate::inference {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF is read as little-endian");

// A place in the file. The first failure sticks; later reads give zeros.
class Cursor {
 public:
  explicit Cursor(ByteView file) : file_(file) {}

  template <typename T>
  T Get() {
    T value{};
    if (file_.size() - at_ < sizeof(T)) {
      Reject("cut short");
      return value;
    }
    std::memcpy(&value, file_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  std::string_view GetText(std::uint64_t limit) {
    const auto size = Get<std::uint64_t>();
    if (size > limit || size > file_.size() - at_) {
      Reject("a text longer than its limit or the file");
      return {};
    }
    const std::string_view text = AsText(file_.subspan(at_, size));
    at_ += size;
    return text;
  }

  void Skip(std::uint64_t count, std::uint64_t size) {
    if (size != 0 && count > (file_.size() - at_) / size) {
      Reject("an array longer than the file");
      return;
    }
    at_ += count * size;
  }

  void Reject(std::string_view why) {
    if (error_.empty()) {
      error_ = std::string(why) + " at byte " + std::to_string(at_);
    }
    at_ = file_.size();  // nothing more to read
  }

  bool failed() const { return !error_.empty(); }
  std::uint64_t at() const { return at_; }
  std::unexpected<Error> TakeError() const {
    return Fail(ErrorCode::kInvalidArgument, "the model file is damaged: " + error_);
  }

 private:
  ByteView file_;
  std::size_t at_ = 0;
  std::string error_;
};

std::uint64_t ScalarSize(std::uint32_t type) {
  switch (type) {
    case GGUF_TYPE_UINT8:
    case GGUF_TYPE_INT8:
    case GGUF_TYPE_BOOL:
      return 1;
    case GGUF_TYPE_UINT16:
    case GGUF_TYPE_INT16:
      return 2;
    case GGUF_TYPE_UINT32:
    case GGUF_TYPE_INT32:
    case GGUF_TYPE_FLOAT32:
      return 4;
    case GGUF_TYPE_UINT64:
    case GGUF_TYPE_INT64:
    case GGUF_TYPE_FLOAT64:
      return 8;
    default:
      return 0;
  }
}

void ReadArray(Cursor& cursor) {
  const auto type = cursor.Get<std::uint32_t>();
  const auto count = cursor.Get<std::uint64_t>();
  if (count > kMaxGgufElements) {
    cursor.Reject("an array of too many elements");
    return;
  }
  if (type == GGUF_TYPE_STRING) {
    for (std::uint64_t i = 0; i < count && !cursor.failed(); ++i) {
      (void)cursor.GetText(kMaxGgufText);
    }
    return;
  }
  const std::uint64_t size = ScalarSize(type);
  if (size == 0) {
    cursor.Reject("an array of an unknown type");
    return;
  }
  cursor.Skip(count, size);
}

// What later checks need of the key-value part.
struct KeyFacts {
  std::string architecture;
  std::uint64_t alignment = GGUF_DEFAULT_ALIGNMENT;
  std::uint64_t parts = 0;
};

void ReadKey(Cursor& cursor, KeyFacts& facts, std::set<std::string_view>& seen) {
  const std::string_view name = cursor.GetText(kMaxGgufName);
  const auto type = cursor.Get<std::uint32_t>();
  if (cursor.failed()) {
    return;
  }
  if (name.empty() || !seen.insert(name).second) {
    cursor.Reject("an empty or repeated key");
    return;
  }
  if (type == GGUF_TYPE_STRING) {
    const std::string_view text = cursor.GetText(kMaxGgufText);
    if (name == "general.architecture") {
      facts.architecture = text.substr(0, 64);
    }
  } else if (type == GGUF_TYPE_ARRAY) {
    ReadArray(cursor);
  } else if (name == "general.alignment" && type == GGUF_TYPE_UINT32) {
    facts.alignment = cursor.Get<std::uint32_t>();
  } else if (name == "split.count" && type == GGUF_TYPE_UINT16) {
    facts.parts = cursor.Get<std::uint16_t>();
  } else if (name == "general.alignment" || name == "split.count") {
    cursor.Reject("a key of a wrong type");
  } else if (ScalarSize(type) != 0) {
    cursor.Skip(1, ScalarSize(type));
  } else {
    cursor.Reject("a value of an unknown type");
  }
}

// Bytes of a tensor, or 0 where shape or type cannot be.
std::uint64_t TensorBytes(std::uint32_t type, const std::uint64_t (&shape)[GGML_MAX_DIMS]) {
  if (type >= GGML_TYPE_COUNT) {
    return 0;
  }
  const auto kind = static_cast<ggml_type>(type);
  const auto block = static_cast<std::uint64_t>(ggml_blck_size(kind));
  const std::uint64_t block_bytes = ggml_type_size(kind);
  if (block == 0 || block_bytes == 0 || shape[0] % block != 0) {
    return 0;
  }
  std::uint64_t bytes = shape[0] / block;
  for (const std::uint64_t factor : {block_bytes, shape[1], shape[2], shape[3]}) {
    if (__builtin_mul_overflow(bytes, factor, &bytes)) {
      return 0;
    }
  }
  return bytes;
}

struct TensorSpan {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

TensorSpan ReadTensor(Cursor& cursor, std::uint64_t alignment, std::set<std::string_view>& seen) {
  const std::string_view name = cursor.GetText(GGML_MAX_NAME - 1);
  const auto dimensions = cursor.Get<std::uint32_t>();
  if (name.empty() || dimensions == 0 || dimensions > GGML_MAX_DIMS || !seen.insert(name).second) {
    cursor.Reject("a tensor with a bad name or shape");
    return {};
  }
  std::uint64_t shape[GGML_MAX_DIMS] = {1, 1, 1, 1};
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    shape[i] = cursor.Get<std::uint64_t>();
  }
  const auto type = cursor.Get<std::uint32_t>();
  const TensorSpan span{.offset = cursor.Get<std::uint64_t>(), .bytes = TensorBytes(type, shape)};
  if (span.bytes == 0 || span.offset % alignment != 0) {
    cursor.Reject("a tensor with a bad type, shape or offset");
  }
  return span;
}

}  // namespace

Result<GgufFacts> CheckGguf(ByteView file) {
  Cursor cursor(file);
  if (file.size() < 4 || AsText(file.first(4)) != "GGUF") {
    return Fail(ErrorCode::kInvalidArgument, "not a model file: GGUF expected");
  }
  (void)cursor.Get<std::uint32_t>();
  GgufFacts facts;
  facts.version = cursor.Get<std::uint32_t>();
  facts.tensors = cursor.Get<std::uint64_t>();
  facts.keys = cursor.Get<std::uint64_t>();
  if (facts.version < 2 || facts.version > 3) {
    cursor.Reject("a version other than 2 and 3");
  }
  if (facts.tensors == 0 || facts.tensors > kMaxGgufTensors || facts.keys > kMaxGgufKeys) {
    cursor.Reject("too many or no tensors, or too many keys");
  }

  KeyFacts keys;
  std::set<std::string_view> names;
  for (std::uint64_t i = 0; i < facts.keys && !cursor.failed(); ++i) {
    ReadKey(cursor, keys, names);
  }
  if (!cursor.failed() && keys.architecture.empty()) {
    cursor.Reject("no general.architecture");
  }
  if (keys.parts > 1) {
    cursor.Reject("a file in parts");
  }
  if (keys.alignment < 8 || keys.alignment > 65'536 || !std::has_single_bit(keys.alignment)) {
    cursor.Reject("a bad alignment");
  }

  names.clear();
  std::uint64_t end = 0;  // of the furthest tensor, from the first one's place
  for (std::uint64_t i = 0; i < facts.tensors && !cursor.failed(); ++i) {
    const TensorSpan span = ReadTensor(cursor, keys.alignment, names);
    std::uint64_t tensor_end = 0;
    if (__builtin_add_overflow(span.offset, span.bytes, &tensor_end)) {
      cursor.Reject("a tensor past the file");
    }
    end = std::max(end, tensor_end);
  }
  if (cursor.failed()) {
    return cursor.TakeError();
  }
  facts.data_offset = (cursor.at() + keys.alignment - 1) / keys.alignment * keys.alignment;
  if (facts.data_offset > file.size() || end > file.size() - facts.data_offset) {
    cursor.Reject("a tensor past the end of the file");
    return cursor.TakeError();
  }
  facts.architecture = keys.architecture;
  return facts;
}

}  // namespace casemate::inference
