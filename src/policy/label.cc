#include "policy/label.h"

#include <algorithm>
#include <set>

namespace casemate::policy {
namespace {

bool IsLabelName(std::string_view name) {
  return !name.empty() && name.size() <= LabelOrder::kMaxNameBytes &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

}  // namespace

LabelOrder::LabelOrder() : names_({"public", "internal", "confidential", "secret"}) {}

Result<LabelOrder> LabelOrder::Of(std::vector<std::string> names) {
  if (names.size() < kFewest || names.size() > kMost) {
    return Fail(ErrorCode::kInvalidArgument,
                "expected 2 to 16 labels, lowest first, found " + std::to_string(names.size()));
  }
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (!IsLabelName(name)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "a label has 1 to 32 of the characters a-z, 0-9, '-' and '_'");
    }
    if (!seen.insert(name).second) {
      return Fail(ErrorCode::kInvalidArgument, "the label '" + name + "' is there twice");
    }
  }
  return LabelOrder(std::move(names));
}

const std::string& LabelOrder::Name(Label label) const {
  return names_[std::min(static_cast<std::size_t>(label), names_.size() - 1)];
}

Result<Label> LabelOrder::Parse(std::string_view name) const {
  const auto found = std::ranges::find(names_, name);
  if (found != names_.end()) {
    return static_cast<Label>(found - names_.begin());
  }
  std::string known;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    known += (i == 0 ? "" : i + 1 == names_.size() ? " or " : ", ") + names_[i];
  }
  // The name found is the caller's input and might be anything: only its length is repeated.
  return Fail(ErrorCode::kInvalidArgument, "label: expected " + known + ", found another word of " +
                                               std::to_string(name.size()) + " bytes");
}

std::string LabelOrder::ToString() const {
  std::string text;
  for (const std::string& name : names_) {
    text += (text.empty() ? "" : " < ") + name;
  }
  return text;
}

}  // namespace casemate::policy
