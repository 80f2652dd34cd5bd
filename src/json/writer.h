#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "secmem/plaintext.h"

namespace casemate::json {

// Writes JSON into a Plaintext, so that what goes in stays typed on its way out. Used as
//   Writer w; w.BeginObject().Key("id").String(id).Key("text").Content(answer).EndObject();
// Commas are its own business; nesting errors are caught by assertion. Doubles are written
// shortest; NaN and infinities become null. Invalid UTF-8 in content becomes U+FFFD.
class Writer {
 public:
  Writer& BeginObject();
  Writer& EndObject();
  Writer& BeginArray();
  Writer& EndArray();
  Writer& Key(std::string_view name);
  Writer& String(std::string_view text);  // names, ids, messages of ours
  Writer& Content(PlaintextView text);    // prompts, documents, answers
  Writer& Integer(std::int64_t value);
  Writer& Number(double value);
  Writer& Bool(bool value);
  Writer& Null();
  // A value that is already JSON (from another Writer).
  Writer& Raw(PlaintextView json);

  Plaintext Take();

 private:
  void Separate();
  Plaintext out_;
  std::vector<bool> first_;  // per open bracket: nothing written in it yet
  bool after_key_ = false;
};

}  // namespace casemate::json
