// Any bytes: either refused, or every value can be read, and what the writer makes of it reads back
// as the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "json/reader.h"
#include "json/writer.h"

namespace {

using casemate::PlaintextView;
using casemate::json::Document;
using casemate::json::Value;
using casemate::json::Writer;

void Copy(const Value& value, Writer& out) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      out.Null();
      break;
    case Value::Kind::kBool:
      out.Bool(value.AsBool().value());
      break;
    case Value::Kind::kInteger:
      if (const auto integer = value.AsInteger()) {
        out.Integer(*integer);
        break;
      }
      [[fallthrough]];
    case Value::Kind::kNumber:
      out.Number(value.AsNumber().value());
      break;
    case Value::Kind::kString:
      out.Content(value.AsString().value());
      (void)value.AsName();
      break;
    case Value::Kind::kArray:
      out.BeginArray();
      for (const Value& element : value.Elements()) {
        Copy(element, out);
      }
      out.EndArray();
      break;
    case Value::Kind::kObject:
      out.BeginObject();
      for (const Value::Member& member : value.Members()) {
        out.Key(member.key);
        Copy(member.value, out);
      }
      out.EndObject();
      break;
  }
}

// Names over 256 bytes are cut when handed out, and cut names may be equal: not a fault.
bool HasLongName(const Value& value) {
  for (const Value::Member& member : value.Members()) {
    if (member.key.size() > 250) {
      return true;
    }
  }
  for (const Value& element : value.Elements()) {
    if (HasLongName(element)) {
      return true;
    }
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = Document::Parse(
      PlaintextView::Of(text), {.max_bytes = 1 << 20, .max_depth = 32, .max_values = 10'000});
  if (!document || HasLongName(document->root())) {
    return 0;
  }
  Writer once;
  Copy(document->root(), once);
  const casemate::Plaintext written = once.Take();
  const auto again = Document::Parse(written);
  if (!again) {
    std::abort();
  }
  Writer twice;
  Copy(again->root(), twice);
  if (twice.Take().view().Reveal() != written.view().Reveal()) {
    std::abort();
  }
  return 0;
}
