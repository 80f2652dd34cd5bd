#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::net {

// Writes a body of type multipart/form-data (RFC 7578), as browsers do: line breaks and quotes in
// names become %0A, %0D and %22. The boundary has 128 random bits, so no content holds it.
class MultipartForm {
 public:
  MultipartForm();

  void AddField(std::string_view name, PlaintextView value);
  void AddFile(std::string_view name, std::string_view file_name, std::string_view content_type,
               PlaintextView content);

  // The value for the Content-Type field.
  std::string content_type() const { return "multipart/form-data; boundary=" + boundary_; }
  // Ends the form and hands its bytes over; nothing can be added after that.
  Plaintext Finish();

 private:
  std::string boundary_;
  Plaintext body_;
};

}  // namespace casemate::net
