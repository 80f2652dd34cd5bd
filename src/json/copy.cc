#include "json/copy.h"

namespace casemate::json {

void Copy(Writer& writer, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      writer.Null();
      return;
    case Value::Kind::kBool:
      writer.Bool(value.AsBool().value_or(false));
      return;
    case Value::Kind::kInteger:
      if (Result<std::int64_t> number = value.AsInteger(); number) {
        writer.Integer(*number);
        return;
      }
      [[fallthrough]];  // over 2^63 - 1
    case Value::Kind::kNumber:
      writer.Number(value.AsNumber().value_or(0));
      return;
    case Value::Kind::kString:
      writer.Content(value.AsString().value_or(PlaintextView()));
      return;
    case Value::Kind::kArray:
      writer.BeginArray();
      for (const Value& element : value.Elements()) {
        Copy(writer, element);
      }
      writer.EndArray();
      return;
    case Value::Kind::kObject:
      writer.BeginObject();
      for (const Value::Member& member : value.Members()) {
        writer.Key(member.key);
        Copy(writer, member.value);
      }
      writer.EndObject();
      return;
  }
}

Plaintext Text(const Value& value) {
  Writer writer;
  Copy(writer, value);
  return writer.Take();
}

}  // namespace casemate::json
