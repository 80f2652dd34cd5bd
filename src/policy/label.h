#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace casemate::policy {

// How confidential something is; ordered. What is stored, sent and logged is the number, the place
// in the deployment's LabelOrder; the names here are those of the default order.
enum class Label : std::uint8_t { kPublic = 0, kInternal = 1, kConfidential = 2, kSecret = 3 };
inline constexpr Label kLowestLabel = Label::kPublic;
// The highest number that any order has: as a ceiling it means "none".
inline constexpr Label kHighestLabel{15};

constexpr Label Highest(Label a, Label b) { return a < b ? b : a; }
constexpr Label Lowest(Label a, Label b) { return a < b ? a : b; }

// The names of a deployment's labels, lowest first. Set when the deployment is made and never
// changed afterwards: sealed objects, keys, grants and the log hold numbers.
class LabelOrder {
 public:
  static constexpr std::size_t kFewest = 2;
  static constexpr std::size_t kMost = 16;
  static constexpr std::size_t kMaxNameBytes = 32;

  LabelOrder();  // public < internal < confidential < secret
  // Errors: kInvalidArgument: not 2 to 16 names, a name that is not 1 to 32 of a-z, 0-9, '-' and
  // '_', or one that is there twice.
  [[nodiscard]] static Result<LabelOrder> Of(std::vector<std::string> names);

  // A number above the order, as of a ceiling that is none, has the name of the highest.
  const std::string& Name(Label label) const;
  // Errors: kInvalidArgument, naming the labels there are.
  [[nodiscard]] Result<Label> Parse(std::string_view name) const;
  Label highest() const { return static_cast<Label>(names_.size() - 1); }
  const std::vector<std::string>& names() const { return names_; }
  std::string ToString() const;  // "public < internal < confidential < secret"
  bool operator==(const LabelOrder&) const = default;

 private:
  explicit LabelOrder(std::vector<std::string> names) : names_(std::move(names)) {}
  std::vector<std::string> names_;
};

}  // namespace casemate::policy
