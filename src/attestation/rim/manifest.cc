#include "attestation/rim/manifest.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <charconv>
#include <memory>
#include <optional>

#include "attestation/rim/xml_internal.h"

namespace casemate::attestation::rim {
namespace {

constexpr std::string_view kHashNamespace = "http://www.w3.org/2001/04/xmlenc#sha384";
constexpr std::size_t kMaxText = 4096;  // bytes of an attribute that is read
constexpr std::size_t kMaxCertificates = 16;

std::unexpected<Error> Bad(std::string message) {
  return Fail(ErrorCode::kInvalidArgument, std::move(message));
}

struct FreeText {
  void operator()(xmlChar* text) const { xmlFree(text); }
};
using Text = std::unique_ptr<xmlChar, FreeText>;

std::optional<std::string> Plain(Text text) {
  if (text == nullptr) {
    return std::nullopt;
  }
  std::string plain(reinterpret_cast<const char*>(text.get()));
  if (plain.size() > kMaxText) {
    return std::nullopt;
  }
  for (char& c : plain) {
    c = c >= ' ' && c <= '~' ? c : '?';
  }
  return plain;
}

std::optional<std::string> Attribute(const xmlNode* node, const char* name) {
  return Plain(Text(xmlGetNoNsProp(node, reinterpret_cast<const xmlChar*>(name))));
}

bool Is(const xmlNode* node, std::string_view name) {
  return node->type == XML_ELEMENT_NODE &&
         std::string_view(reinterpret_cast<const char*>(node->name)) == name;
}

const xmlNode* Child(const xmlNode* parent, std::string_view name) {
  for (const xmlNode* node = parent->children; node != nullptr; node = node->next) {
    if (Is(node, name)) {
      return node;
    }
  }
  return nullptr;
}

Result<ReferenceValue> ReadValue(const xmlNode* node) {
  ReferenceValue value;
  const std::string index = Attribute(node, "index").value_or("");
  const auto [end, error] = std::from_chars(index.data(), index.data() + index.size(), value.index);
  if (error != std::errc() || end != index.data() + index.size() ||
      value.index >= kMaxMeasurements) {
    return Bad("a Resource without an index of 0 to 1023");
  }
  const std::string active = Attribute(node, "active").value_or("");
  if (active != "True" && active != "False") {
    return Bad("Resource " + index + ": active is neither True nor False");
  }
  value.active = active == "True";
  for (std::size_t i = 0; i <= kMaxAlternatives; ++i) {
    const std::string name = "Hash" + std::to_string(i);
    const std::optional<std::string> hash =
        Plain(Text(xmlGetNsProp(node, reinterpret_cast<const xmlChar*>(name.c_str()),
                                reinterpret_cast<const xmlChar*>(kHashNamespace.data()))));
    if (!hash) {
      break;
    }
    Result<Bytes> bytes = FromHex(*hash);
    if (!bytes || bytes->size() != 48 || i == kMaxAlternatives) {
      return Bad(std::string("Resource ")
                     .append(index)
                     .append(": ")
                     .append(name)
                     .append(" is no SHA-384"));
    }
    value.alternatives.push_back(*std::move(bytes));
  }
  if (value.active && value.alternatives.empty()) {
    return Bad("Resource " + index + " is active and has no hash");
  }
  return value;
}

Result<void> ReadPayload(const xmlNode* root, Manifest& manifest) {
  const xmlNode* payload = Child(root, "Payload");
  if (payload == nullptr) {
    return Bad("no Payload");
  }
  std::vector<bool> seen(kMaxMeasurements);
  for (const xmlNode* node = payload->children; node != nullptr; node = node->next) {
    if (!Is(node, "Resource") || Attribute(node, "type") != "Measurement") {
      continue;
    }
    Result<ReferenceValue> value = ReadValue(node);
    if (!value) {
      return std::unexpected(value.error());
    }
    if (seen[value->index]) {
      return Bad("Resource " + std::to_string(value->index) + " stands twice");
    }
    seen[value->index] = true;
    manifest.values.push_back(*std::move(value));
  }
  return manifest.values.empty() ? Result<void>(Bad("no measurements")) : Result<void>();
}

Result<void> ReadCertificates(const xmlNode* signature, Manifest& manifest) {
  const xmlNode* key = Child(signature, "KeyInfo");
  const xmlNode* data = key == nullptr ? nullptr : Child(key, "X509Data");
  for (const xmlNode* node = data == nullptr ? nullptr : data->children; node != nullptr;
       node = node->next) {
    if (!Is(node, "X509Certificate")) {
      continue;
    }
    const Text content(xmlNodeGetContent(node));
    std::string base64;
    for (const xmlChar* c = content.get(); c != nullptr && *c != 0; ++c) {
      if (*c != '\n' && *c != '\r' && *c != ' ' && *c != '\t') {
        base64 += static_cast<char>(*c);
      }
    }
    Result<Bytes> der = FromBase64(base64);
    if (!der || manifest.certificates.size() == kMaxCertificates) {
      return Bad("a certificate in the signature that is not base64, or more than 16");
    }
    manifest.certificates.push_back(*std::move(der));
  }
  return manifest.certificates.empty() ? Result<void>(Bad("the signature has no certificate"))
                                       : Result<void>();
}

}  // namespace

Result<Manifest> ReadManifest(ByteView xml) {
  if (xml.size() > kMaxManifestBytes) {
    return Fail(ErrorCode::kTooLarge, "a manifest of more than 1 MiB");
  }
  Prepare();
  // Entities are neither replaced nor loaded, and nothing is fetched.
  const Document document(xmlReadMemory(reinterpret_cast<const char*>(xml.data()),
                                        static_cast<int>(xml.size()), nullptr, nullptr,
                                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
  if (document == nullptr) {
    return Bad("not well-formed XML");
  }
  if (document->intSubset != nullptr || document->extSubset != nullptr) {
    return Bad("a document type declaration, which no manifest has");
  }
  xmlNode* root = xmlDocGetRootElement(document.get());
  if (root == nullptr || !Is(root, "SoftwareIdentity")) {
    return Bad("not a SWID tag");
  }
  const xmlNode* meta = Child(root, "Meta");
  const xmlNode* signature = Child(root, "Signature");
  if (meta == nullptr || signature == nullptr) {
    return Bad("a SWID tag without Meta or Signature");
  }
  Manifest manifest;
  manifest.tag_id = Attribute(root, "tagId").value_or("");
  manifest.version = Attribute(meta, "colloquialVersion").value_or("");
  manifest.product = Attribute(meta, "product").value_or("");
  if (Result<void> read = ReadPayload(root, manifest); !read) {
    return std::unexpected(read.error());
  }
  if (Result<void> read = ReadCertificates(signature, manifest); !read) {
    return std::unexpected(read.error());
  }
  manifest.signature_failure = VerifySignature(document.get(), manifest.certificates.front());
  manifest.signature_holds = manifest.signature_failure.empty();
  return manifest;
}

}  // namespace casemate::attestation::rim
