#include "grammar/schema.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include "grammar/schema_place.h"

namespace casemate::grammar {
namespace {

using json::Value;
using Kind = Value::Kind;

class Reader {
 public:
  explicit Reader(const Value& root) : root_{root, "#"} {}

  Result<SchemaTree> Read() {
    Result<NodeId> root = ReadPlace(root_, 0);
    if (!root) {
      return std::unexpected(root.error());
    }
    tree_.root = *root;
    if (Result<void> checked = CheckSchema(tree_); !checked) {
      Error error = checked.error();
      error.param = root_.value.path();
      return std::unexpected(std::move(error));
    }
    return std::move(tree_);
  }

 private:
  NodeId Put(NodeId id, SchemaNode node) {
    tree_.nodes[id] = std::move(node);
    return id;
  }
  Result<NodeId> Leaf(NodeId id, Result<SchemaNode> node) {
    return node ? Result<NodeId>(Put(id, std::move(*node))) : std::unexpected(node.error());
  }
  NodeId Reserve(const std::string& pointer) {
    tree_.nodes.emplace_back(AnyValue{});
    tree_.pointers.push_back(pointer);
    return static_cast<NodeId>(tree_.nodes.size() - 1);
  }

  // Every node is read once, however often it is referred to.
  Result<NodeId> ReadPlace(const Place& at, std::size_t depth) {
    if (const auto known = known_.find(at.pointer); known != known_.end()) {
      return known->second;
    }
    if (depth > kMaxSchemaDepth) {
      return Refuse(at, "schemas nested deeper than " + std::to_string(kMaxSchemaDepth));
    }
    if (tree_.nodes.size() >= kMaxNodes) {
      return Refuse(at, "more than " + std::to_string(kMaxNodes) + " schemas in one");
    }
    if (at.value.kind() == Kind::kBool && *at.value.AsBool()) {
      return known_[at.pointer] = Reserve(at.pointer);
    }
    if (at.value.kind() != Kind::kObject) {
      return Refuse(at, "expected a schema: an object, or true");
    }
    if (at.value.GetSet("$ref")) {
      return FollowReference(at, depth);
    }
    if (at.value.GetSet("allOf")) {
      return ReadAllOf(at, depth);
    }
    const NodeId id = Reserve(at.pointer);
    known_[at.pointer] = id;
    if (at.value.GetSet("anyOf")) {
      return ReadAnyOf(at, id, depth);
    }
    if (at.value.Get("enum") || at.value.Get("const")) {
      return Leaf(id, ReadLiterals(at));
    }
    return ReadTyped(at, id, depth);
  }

  Result<NodeId> FollowReference(const Place& at, std::size_t depth) {
    constexpr std::array<std::string_view, 1> kWords = {"$ref"};
    if (Result<void> only = Only(at, kWords, "'$ref'"); !only) {
      return std::unexpected(only.error());
    }
    Result<std::string> name = at.value.GetSet("$ref")->AsName(1024);
    if (!name) {
      return RefuseWord(at, "$ref", "expected a reference in printable ASCII");
    }
    if (*name != "#" && !name->starts_with("#/")) {
      return RefuseWord(at, "$ref", "only references into the same schema are served, '#/...'");
    }
    if (!following_.insert(at.pointer).second) {
      return RefuseWord(at, "$ref", "refers to itself with nothing in between");
    }
    Result<Place> target = Resolve(at, *name);
    if (!target) {
      return std::unexpected(target.error());
    }
    Result<NodeId> node = ReadPlace(*target, depth + 1);
    following_.erase(at.pointer);
    if (node) {
      known_[at.pointer] = *node;
    }
    return node;
  }

  Result<Place> Resolve(const Place& at, std::string_view reference) {
    Place place = root_;
    reference.remove_prefix(1);
    while (!reference.empty()) {
      const std::size_t end = std::min(reference.find('/', 1), reference.size());
      std::string step;
      for (std::size_t i = 1; i < end; ++i) {
        const bool escaped = reference[i] == '~' && i + 1 < end;
        step += !escaped ? reference[i] : reference[i + 1] == '1' ? '/' : '~';
        i += escaped ? 1 : 0;
      }
      reference.remove_prefix(end);
      std::optional<Value> child = place.value.Get(step);
      if (place.value.kind() == Kind::kArray && !step.empty() && step.size() < 6 &&
          step.find_first_not_of("0123456789") == std::string::npos &&
          std::stoul(step) < place.value.size()) {
        child = place.value.Elements()[std::stoul(step)];
      }
      if (!child) {
        return RefuseWord(at, "$ref", "there is nothing at this place");
      }
      place = place.Step(*child, step);
    }
    return place;
  }

  Result<NodeId> ReadAllOf(const Place& at, std::size_t depth) {
    constexpr std::array<std::string_view, 1> kWords = {"allOf"};
    if (Result<void> only = Only(at, kWords, "'allOf'"); !only) {
      return std::unexpected(only.error());
    }
    const Value all = *at.value.GetSet("allOf");
    if (all.kind() != Kind::kArray || all.size() != 1) {
      return RefuseWord(at, "allOf", "served with exactly one schema in it");
    }
    return ReadPlace(at.Step(all.Elements()[0], "allOf", 0), depth + 1);
  }

  Result<NodeId> ReadAnyOf(const Place& at, NodeId id, std::size_t depth) {
    constexpr std::array<std::string_view, 1> kWords = {"anyOf"};
    if (Result<void> only = Only(at, kWords, "'anyOf'"); !only) {
      return std::unexpected(only.error());
    }
    const Value any = *at.value.GetSet("anyOf");
    if (any.kind() != Kind::kArray || any.size() == 0) {
      return RefuseWord(at, "anyOf", "expected an array of schemas");
    }
    ChoiceValue choice;
    std::size_t index = 0;
    for (const Value& child : any.Elements()) {
      Result<NodeId> node = ReadPlace(at.Step(child, "anyOf", index++), depth + 1);
      if (!node) {
        return node;
      }
      choice.of.push_back(*node);
    }
    return Put(id, std::move(choice));
  }

  Result<NodeId> ReadTyped(const Place& at, NodeId id, std::size_t depth) {
    Result<std::vector<std::string>> types = Types(at);
    if (!types) {
      return std::unexpected(types.error());
    }
    if (types->empty()) {
      for (std::string_view type : {"object", "array", "string", "number"}) {
        const std::span<const std::string_view> words = WordsOf(type);
        if (std::any_of(words.begin(), words.end(),
                        [&](std::string_view word) { return at.value.Get(word).has_value(); })) {
          types->emplace_back(type);
        }
      }
    }
    std::vector<std::string_view> served = {"type"};
    for (const std::string& type : *types) {
      const std::span<const std::string_view> words = WordsOf(type);
      served.insert(served.end(), words.begin(), words.end());
    }
    for (const Value::Member& member : at.value.Members()) {
      const bool known = In(member.key, kObjectWords) || In(member.key, kArrayWords) ||
                         In(member.key, kStringWords) || In(member.key, kNumberWords);
      if (known && !In(member.key, served)) {
        return RefuseWord(at, member.key, "says nothing about this type");
      }
    }
    if (Result<void> only = Only(at, served, {}); !only) {
      return std::unexpected(only.error());
    }
    if (types->size() <= 1) {
      return types->empty() ? Result<NodeId>(id) : ReadOne(at, id, types->front(), depth);
    }
    ChoiceValue choice;
    for (const std::string& type : *types) {
      // Integers are numbers: both would be two ways to write one.
      if (type == "integer" && std::find(types->begin(), types->end(), "number") != types->end()) {
        continue;
      }
      Result<NodeId> node = ReadOne(at, Reserve(at.pointer), type, depth);
      if (!node) {
        return node;
      }
      choice.of.push_back(*node);
    }
    return Put(id, std::move(choice));
  }

  Result<NodeId> ReadOne(const Place& at, NodeId id, std::string_view type, std::size_t depth) {
    if (type == "object") {
      return ReadObject(at, id, depth);
    }
    if (type == "array") {
      return ReadArray(at, id, depth);
    }
    if (type == "string") {
      return Leaf(id, ReadString(at));
    }
    if (type == "integer") {
      return Leaf(id, ReadInteger(at));
    }
    if (type == "number") {
      return Leaf(id, ReadNumber(at));
    }
    return type == "boolean" ? Put(id, BooleanValue{}) : Put(id, NullValue{});
  }

  Result<NodeId> ReadObject(const Place& at, NodeId id, std::size_t depth) {
    ObjectValue object;
    if (const std::optional<Value> properties = at.value.GetSet("properties")) {
      if (properties->kind() != Kind::kObject) {
        return RefuseWord(at, "properties", "expected an object");
      }
      const Place inside = at.Step(*properties, "properties");
      for (const Value::Member& member : properties->Members()) {
        if (member.key.size() > kMaxNameBytes) {
          return Refuse(inside, "a name over " + std::to_string(kMaxNameBytes) + " bytes");
        }
        Result<NodeId> value = ReadPlace(inside.Step(member.value, member.key), depth + 1);
        if (!value) {
          return value;
        }
        object.properties.push_back({.name = member.key, .value = *value});
      }
    }
    if (Result<void> required = ReadRequired(at, object); !required) {
      return std::unexpected(required.error());
    }
    const std::optional<Value> others = at.value.Get("additionalProperties");
    const bool open = others && (others->kind() != Kind::kBool || *others->AsBool());
    if (open && !object.properties.empty()) {
      return RefuseWord(at, "additionalProperties",
                        "beside 'properties' only false is served: a name could come twice");
    }
    if (open) {
      Result<NodeId> value = ReadPlace(at.Step(*others, "additionalProperties"), depth + 1);
      if (!value) {
        return value;
      }
      object.others = *value;
    } else if (!others && !at.value.Get("properties")) {
      object.others = Reserve(at.pointer);  // says nothing about its members: any
    }
    return Put(id, std::move(object));
  }

  static Result<void> ReadRequired(const Place& at, ObjectValue& object) {
    const std::optional<Value> required = at.value.GetSet("required");
    if (!required) {
      return {};
    }
    if (required->kind() != Kind::kArray) {
      return RefuseWord(at, "required", "expected an array of names");
    }
    for (const Value& value : required->Elements()) {
      Result<PlaintextView> name = value.AsString();
      const auto property =
          std::find_if(object.properties.begin(), object.properties.end(),
                       [&](const auto& each) { return name && each.name == name->Reveal(); });
      if (property == object.properties.end()) {
        return RefuseWord(at, "required", "names what is not in 'properties'");
      }
      property->required = true;
    }
    return {};
  }

  Result<NodeId> ReadArray(const Place& at, NodeId id, std::size_t depth) {
    Result<Counts> counts = ReadCounts(at, "minItems", "maxItems");
    if (!counts) {
      return std::unexpected(counts.error());
    }
    if (const std::optional<Value> unique = at.value.GetSet("uniqueItems");
        unique && unique->AsBool().value_or(true)) {
      return RefuseWord(at, "uniqueItems", "this keyword is not served");
    }
    const std::optional<Value> items = at.value.GetSet("items");
    Result<NodeId> item = items ? ReadPlace(at.Step(*items, "items"), depth + 1)
                                : Result<NodeId>(Reserve(at.pointer));
    if (!item) {
      return item;
    }
    return Put(id, ArrayValue{.item = *item, .least = counts->least, .most = counts->most});
  }

  Place root_;
  SchemaTree tree_;
  std::map<std::string, NodeId> known_;  // by pointer
  std::set<std::string> following_;      // references being followed
};

}  // namespace

Result<SchemaTree> ReadSchema(const json::Value& schema) { return Reader(schema).Read(); }

}  // namespace casemate::grammar
