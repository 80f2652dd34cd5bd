#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::retrieval {

inline constexpr std::size_t kMaxXmlDepth = 256;

// A name in its namespace, both as they stand in the document.
struct XmlName {
  std::string_view space;
  std::string_view local;
};

// An element's attributes; views are valid during Start.
class XmlAttributes {
 public:
  explicit XmlAttributes(std::vector<std::pair<XmlName, std::string_view>> all)
      : all_(std::move(all)) {}
  // The value of the attribute of that local name, whatever its namespace; "" when there is none.
  std::string_view Get(std::string_view local) const;

 private:
  std::vector<std::pair<XmlName, std::string_view>> all_;
};

class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  virtual void Start(const XmlName& name, const XmlAttributes& attributes) = 0;
  virtual void End(const XmlName& name) = 0;
  virtual void Text(PlaintextView text) = 0;
};

// Reads an XML document (1.0, namespaces) front to back, by expat. Document types are refused, and
// with them entities of every kind. Errors: kInvalidArgument: not well-formed, with the line, or a
// document type; kTooLarge: nested deeper than kMaxXmlDepth.
[[nodiscard]] Result<void> ReadXml(PlaintextView document, XmlHandler& handler);

}  // namespace casemate::retrieval
