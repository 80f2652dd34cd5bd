#pragma once

#include <cmath>
#include <regex>
#include <string>

#include "json/copy.h"
#include "json/reader.h"

// For tests: validates a document against a schema by the words of JSON Schema 2020-12, apart from
// everything that the product reads schemas with. Keywords that the tests use.
namespace casemate::grammar {

class TestValidator {
 public:
  explicit TestValidator(const json::Value& root) : root_(root) {}

  bool Valid(const json::Value& schema, const json::Value& value) const {
    using Kind = json::Value::Kind;
    if (schema.kind() == Kind::kBool) {
      return *schema.AsBool();
    }
    for (const json::Value::Member& rule : schema.Members()) {
      if (!Holds(schema, rule, value)) {
        return false;
      }
    }
    return true;
  }
  bool Valid(const json::Value& value) const { return Valid(root_, value); }

 private:
  using Kind = json::Value::Kind;

  static std::string Text(const json::Value& value) {
    return std::string(json::Text(value).view().Reveal());
  }
  static std::string String(const json::Value& value) {
    return std::string(value.AsString()->Reveal());
  }
  static bool IsType(const json::Value& value, const std::string& type) {
    const Kind kind = value.kind();
    return (type == "null" && kind == Kind::kNull) || (type == "boolean" && kind == Kind::kBool) ||
           (type == "string" && kind == Kind::kString) ||
           (type == "array" && kind == Kind::kArray) ||
           (type == "object" && kind == Kind::kObject) ||
           (type == "number" && (kind == Kind::kInteger || kind == Kind::kNumber)) ||
           (type == "integer" &&
            (kind == Kind::kInteger ||
             (kind == Kind::kNumber && *value.AsNumber() == std::floor(*value.AsNumber()))));
  }
  static std::size_t Letters(const std::string& text) {
    std::size_t letters = 0;
    for (const char c : text) {
      letters += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
    }
    return letters;
  }
  json::Value Resolve(std::string pointer) const {
    json::Value at = root_;
    while (pointer.size() > 1) {
      const std::size_t begin = pointer.find('/') + 1;
      const std::size_t end = std::min(pointer.find('/', begin), pointer.size());
      at = *at.Get(pointer.substr(begin, end - begin));
      pointer = pointer.substr(end);
    }
    return at;
  }

  bool Holds(const json::Value& schema, const json::Value::Member& rule,
             const json::Value& value) const {
    const std::string& word = rule.key;
    const json::Value& is = rule.value;
    if (word == "$ref") {
      return Valid(Resolve(String(is)), value);
    }
    if (word == "type") {
      if (is.kind() == Kind::kString) {
        return IsType(value, String(is));
      }
      for (const json::Value& type : is.Elements()) {
        if (IsType(value, String(type))) {
          return true;
        }
      }
      return false;
    }
    if (word == "const") {
      return Text(is) == Text(value);
    }
    if (word == "anyOf" || word == "enum") {
      for (const json::Value& one : is.Elements()) {
        if (word == "enum" ? Text(one) == Text(value) : Valid(one, value)) {
          return true;
        }
      }
      return false;
    }
    if (word == "allOf") {
      for (const json::Value& one : is.Elements()) {
        if (!Valid(one, value)) {
          return false;
        }
      }
      return true;
    }
    switch (value.kind()) {
      case Kind::kObject:
        return HoldsForObject(schema, rule, value);
      case Kind::kArray:
        return HoldsForArray(rule, value);
      case Kind::kString:
        return HoldsForString(rule, value);
      case Kind::kInteger:
      case Kind::kNumber:
        return HoldsForNumber(rule, *value.AsNumber());
      default:
        return true;
    }
  }
  bool HoldsForObject(const json::Value& schema, const json::Value::Member& rule,
                      const json::Value& value) const {
    const json::Value& is = rule.value;
    if (rule.key == "properties") {
      for (const json::Value::Member& property : is.Members()) {
        const std::optional<json::Value> has = value.Get(property.key);
        if (has && !Valid(property.value, *has)) {
          return false;
        }
      }
    } else if (rule.key == "required") {
      for (const json::Value& name : is.Elements()) {
        if (!value.Get(String(name))) {
          return false;
        }
      }
    } else if (rule.key == "additionalProperties") {
      const std::optional<json::Value> known = schema.Get("properties");
      for (const json::Value::Member& member : value.Members()) {
        if (!(known && known->Get(member.key)) && !Valid(is, member.value)) {
          return false;
        }
      }
    }
    return true;
  }
  bool HoldsForArray(const json::Value::Member& rule, const json::Value& value) const {
    if (rule.key == "items") {
      for (const json::Value& element : value.Elements()) {
        if (!Valid(rule.value, element)) {
          return false;
        }
      }
    }
    const auto size = static_cast<double>(value.size());
    return (rule.key != "minItems" || size >= *rule.value.AsNumber()) &&
           (rule.key != "maxItems" || size <= *rule.value.AsNumber());
  }
  static bool HoldsForString(const json::Value::Member& rule, const json::Value& value) {
    const auto letters = static_cast<double>(Letters(String(value)));
    if (rule.key == "pattern") {
      return std::regex_search(String(value), std::regex(String(rule.value)));
    }
    return (rule.key != "minLength" || letters >= *rule.value.AsNumber()) &&
           (rule.key != "maxLength" || letters <= *rule.value.AsNumber());
  }
  static bool HoldsForNumber(const json::Value::Member& rule, double value) {
    const std::string& word = rule.key;
    const double end = rule.value.AsNumber().value_or(0);
    return (word != "minimum" || value >= end) && (word != "maximum" || value <= end) &&
           (word != "exclusiveMinimum" || value > end) &&
           (word != "exclusiveMaximum" || value < end);
  }

  json::Value root_;
};

}  // namespace casemate::grammar
