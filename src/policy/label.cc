#include "policy/label.h"

#include <string>

namespace casemate::policy {

std::string_view LabelName(Label label) {
  switch (label) {
    case Label::kPublic:
      return "public";
    case Label::kInternal:
      return "internal";
    case Label::kConfidential:
      return "confidential";
    case Label::kSecret:
      return "secret";
  }
  return "unknown";
}

Result<Label> ParseLabel(std::string_view name) {
  for (const Label label :
       {Label::kPublic, Label::kInternal, Label::kConfidential, Label::kSecret}) {
    if (name == LabelName(label)) {
      return label;
    }
  }
  // The name found is the caller's input and might be anything: only its length is repeated.
  return Fail(ErrorCode::kInvalidArgument,
              "label: expected public, internal, confidential or secret, found another word of " +
                  std::to_string(name.size()) + " bytes");
}

}  // namespace casemate::policy
