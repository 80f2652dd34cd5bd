#pragma once

#include <string>
#include <vector>

#include "api/exchange.h"
#include "base/error.h"
#include "policy/label.h"
#include "secmem/plaintext.h"

namespace casemate::api {

// A document that came as multipart/form-data. `content` lies in the request's body.
struct Upload {
  Plaintext filename;
  PlaintextView content;
  std::string purpose;  // empty when not given
  policy::Label label = policy::Label::kInternal;
};

// The label comes from the field `casemate_label` (or `label`) or the header `x-casemate-label`,
// else it is the deployment's default, or the caller's ceiling where that is lower. Errors:
// kInvalidArgument: no file, no or an empty filename, an unknown field; kPermissionDenied: a label
// over the caller's ceiling.
[[nodiscard]] Result<Upload> ReadUpload(Exchange& exchange);

// `x-casemate-no-mirror: accept`, or the query `no_mirror=accept`: the caller accepts that an
// erasure has no second copy to fall back on. Errors: kInvalidArgument: another value.
[[nodiscard]] Result<bool> ReadNoMirror(const Exchange& exchange);
// What an erasure rests on goes to the caller in headers.
void AddErasureHeaders(Exchange& exchange, const custody::EraseReply& erased);

// An id of the path. Errors: kNotFound: what is no id names nothing.
template <typename IdType>
[[nodiscard]] Result<IdType> PathId(std::string_view text, std::string_view what) {
  Result<IdType> id = IdType::Parse(text);
  if (!id) {
    return Fail(ErrorCode::kNotFound, "There is no " + std::string(what) + " of that id.");
  }
  return id;
}

}  // namespace casemate::api
