#include <algorithm>
#include <vector>

#include "grammar/schema.h"

namespace casemate::grammar {
namespace {

std::unexpected<Error> Refuse(const SchemaTree& tree, NodeId node, const std::string& why) {
  return Fail(ErrorCode::kInvalidArgument, tree.pointers[node] + ": " + why);
}

enum class Visit : unsigned char { kNew, kOpen, kDone };

// Whether a choice leads back to itself through choices alone. Depth is bounded by kMaxNodes.
bool ComesBack(const SchemaTree& tree, NodeId node, std::vector<Visit>& visits) {
  const auto* choice = std::get_if<ChoiceValue>(&tree.nodes[node]);
  if (choice == nullptr || visits[node] == Visit::kDone) {
    return false;
  }
  if (visits[node] == Visit::kOpen) {
    return true;
  }
  visits[node] = Visit::kOpen;
  const bool back = std::any_of(choice->of.begin(), choice->of.end(),
                                [&](NodeId next) { return ComesBack(tree, next, visits); });
  visits[node] = Visit::kDone;
  return back;
}

// Whether a finite document meets a node, as far as is known of the others.
struct Meets {
  const std::vector<bool>& known;

  bool operator()(const ArrayValue& array) const { return array.least == 0 || known[array.item]; }
  bool operator()(const ObjectValue& object) const {
    return std::all_of(object.properties.begin(), object.properties.end(),
                       [&](const auto& each) { return !each.required || known[each.value]; });
  }
  bool operator()(const ChoiceValue& choice) const {
    return std::any_of(choice.of.begin(), choice.of.end(), [&](NodeId id) { return known[id]; });
  }
  bool operator()(const auto&) const { return true; }
};

}  // namespace

Result<void> CheckSchema(const SchemaTree& tree) {
  std::vector<Visit> visits(tree.nodes.size(), Visit::kNew);
  for (NodeId node = 0; node < tree.nodes.size(); ++node) {
    if (ComesBack(tree, node, visits)) {
      return Refuse(tree, node, "a choice that comes back to itself with nothing in between");
    }
  }
  std::vector<bool> known(tree.nodes.size(), false);
  for (bool more = true; more;) {
    more = false;
    for (NodeId node = 0; node < tree.nodes.size(); ++node) {
      if (!known[node] && std::visit(Meets{known}, tree.nodes[node])) {
        known[node] = true;
        more = true;
      }
    }
  }
  // Also where it is optional: a model that enters it could not come out.
  for (NodeId node = 0; node < tree.nodes.size(); ++node) {
    if (!known[node]) {
      return Refuse(tree, node, "no finite document meets this schema");
    }
  }
  return {};
}

}  // namespace casemate::grammar
