#include "retrieval/parsing/xml.h"

#include <expat.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

namespace casemate::retrieval {
namespace {

constexpr char kSeparator = '\n';  // between namespace and name: in neither
constexpr std::size_t kPiece = std::size_t{1} << 20;

struct FreeParser {
  void operator()(XML_Parser parser) const { ::XML_ParserFree(parser); }
};

XmlName Split(const XML_Char* name) {
  const std::string_view whole(name);
  const std::size_t at = whole.rfind(kSeparator);
  return at == whole.npos ? XmlName{{}, whole} : XmlName{whole.substr(0, at), whole.substr(at + 1)};
}

// What expat's callbacks share.
struct Reading {
  XML_Parser parser = nullptr;
  XmlHandler* handler = nullptr;
  std::size_t depth = 0;
  std::optional<Error> error;

  void Stop(ErrorCode code, std::string message) {
    error = Error{code, std::move(message), {}, {}};
    (void)::XML_StopParser(parser, XML_FALSE);
  }
};

void OnStart(void* data, const XML_Char* name, const XML_Char** attributes) {
  auto& reading = *static_cast<Reading*>(data);
  if (++reading.depth > kMaxXmlDepth) {
    reading.Stop(ErrorCode::kTooLarge,
                 "its XML nests deeper than " + std::to_string(kMaxXmlDepth) + " elements");
    return;
  }
  std::vector<std::pair<XmlName, std::string_view>> all;
  for (; attributes[0] != nullptr; attributes += 2) {
    all.emplace_back(Split(attributes[0]), attributes[1]);
  }
  reading.handler->Start(Split(name), XmlAttributes(std::move(all)));
}

void OnEnd(void* data, const XML_Char* name) {
  auto& reading = *static_cast<Reading*>(data);
  --reading.depth;
  reading.handler->End(Split(name));
}

void OnText(void* data, const XML_Char* text, int size) {
  static_cast<Reading*>(data)->handler->Text(
      PlaintextView::Of(std::string_view(text, static_cast<std::size_t>(size))));
}

void OnDoctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
  static_cast<Reading*>(data)->Stop(ErrorCode::kInvalidArgument,
                                    "its XML has a document type, which could define entities: "
                                    "such documents are not read; save it again");
}

}  // namespace

std::string_view XmlAttributes::Get(std::string_view local) const {
  for (const auto& [name, value] : all_) {
    if (name.local == local) {
      return value;
    }
  }
  return {};
}

Result<void> ReadXml(PlaintextView document, XmlHandler& handler) {
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser> parser(
      ::XML_ParserCreateNS(nullptr, kSeparator));
  if (!parser) {
    return Fail(ErrorCode::kResourceExhausted, "no memory to read XML");
  }
  Reading reading{.parser = parser.get(), .handler = &handler, .depth = 0, .error = {}};
  ::XML_SetUserData(parser.get(), &reading);
  ::XML_SetElementHandler(parser.get(), OnStart, OnEnd);
  ::XML_SetCharacterDataHandler(parser.get(), OnText);
  ::XML_SetStartDoctypeDeclHandler(parser.get(), OnDoctype);
  (void)::XML_SetParamEntityParsing(parser.get(), XML_PARAM_ENTITY_PARSING_NEVER);
  std::string_view rest = document.Reveal();
  do {
    const std::string_view piece = rest.substr(0, kPiece);
    rest.remove_prefix(piece.size());
    const XML_Status status = ::XML_Parse(parser.get(), piece.data(),
                                          static_cast<int>(piece.size()), rest.empty() ? 1 : 0);
    if (reading.error) {
      return std::unexpected(*reading.error);
    }
    if (status != XML_STATUS_OK) {
      return Fail(ErrorCode::kInvalidArgument,
                  "broken: its XML is not well-formed in line " +
                      std::to_string(::XML_GetCurrentLineNumber(parser.get())) + " (" +
                      ::XML_ErrorString(::XML_GetErrorCode(parser.get())) + ")");
    }
  } while (!rest.empty());
  return {};
}

}  // namespace casemate::retrieval
