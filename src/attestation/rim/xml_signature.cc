// clang-format off: xmlsec.h defines names that the other headers of xmlsec use.
#include <xmlsec/xmlsec.h>
// clang-format on

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <xmlsec/errors.h>
#include <xmlsec/io.h>
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

#include <cstdlib>
#include <string_view>

#include "attestation/rim/xml_internal.h"

namespace casemate::attestation::rim {
namespace {

struct FreeContext {
  void operator()(xmlSecDSigCtx* context) const { xmlSecDSigCtxDestroy(context); }
};

void Silent(void* /*context*/, const char* /*format*/, ...) {}  // NOLINT(cert-dcl50-cpp)
void SilentErrors(const char* /*file*/, int /*line*/, const char* /*function*/,
                  const char* /*object*/, const char* /*subject*/, int /*reason*/,
                  const char* /*message*/) {}

std::string_view Name(const xmlNode* node) { return reinterpret_cast<const char*>(node->name); }

// How many elements of a name there are at or below `node`; manifests are shallow.
int Count(const xmlNode* node, std::string_view name, int depth = 0) {
  constexpr int kDeepest = 64;
  int count = 0;
  for (; node != nullptr; node = node->next) {
    count += node->type == XML_ELEMENT_NODE && Name(node) == name ? 1 : 0;
    count += depth == kDeepest ? 2 : Count(node->children, name, depth + 1);
  }
  return count;
}

// Only what NVIDIA's manifests use; anything else, XSLT and XPath above all, is refused by xmlsec.
bool Restrict(xmlSecDSigCtx* context) {
  context->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
  context->keyInfoReadCtx.enabledKeyData.use = 0;
  context->keyInfoReadCtx.retrievalMethodCtx.enabledUris = xmlSecTransformUriTypeNone;
  const xmlSecTransformId reference[] = {xmlSecTransformEnvelopedId, xmlSecTransformInclC14N11Id,
                                         xmlSecTransformInclC14N11WithCommentsId,
                                         xmlSecTransformInclC14NId, xmlSecOpenSSLTransformSha384Id};
  for (const xmlSecTransformId id : reference) {
    if (xmlSecDSigCtxEnableReferenceTransform(context, id) < 0) {
      return false;
    }
  }
  return xmlSecDSigCtxEnableSignatureTransform(context, xmlSecOpenSSLTransformEcdsaSha384Id) >= 0 &&
         xmlSecDSigCtxEnableSignatureTransform(context, xmlSecTransformInclC14N11Id) >= 0;
}

}  // namespace

void Prepare() {
  static const bool ready_once = [] {
    xmlInitParser();
    xmlSetGenericErrorFunc(nullptr, Silent);
    const bool ready = xmlSecInit() >= 0 && xmlSecOpenSSLInit() >= 0;
    xmlSecErrorsSetCallback(SilentErrors);
    xmlSecIOCleanupCallbacks();  // no file, no network: nothing can be loaded by reference
    return ready;
  }();
  if (!ready_once) {
    std::abort();  // fails only without memory
  }
}

std::string VerifySignature(xmlDoc* document, ByteView signer_der) {
  xmlNode* root = xmlDocGetRootElement(document);
  if (Count(root, "Signature") != 1 || Count(root, "Reference") != 1) {
    return "expected one signature with one reference";
  }
  xmlNode* signature = root->children;
  while (signature != nullptr &&
         (signature->type != XML_ELEMENT_NODE || Name(signature) != "Signature")) {
    signature = signature->next;
  }
  const std::unique_ptr<xmlSecDSigCtx, FreeContext> context(xmlSecDSigCtxCreate(nullptr));
  if (signature == nullptr || context == nullptr || !Restrict(context.get())) {
    return "the signature is not a child of the root";
  }
  // The key is given: what KeyInfo says cannot choose another.
  context->signKey =
      xmlSecOpenSSLAppKeyLoadMemory(reinterpret_cast<const xmlSecByte*>(signer_der.data()),
                                    static_cast<xmlSecSize>(signer_der.size()),
                                    xmlSecKeyDataFormatCertDer, nullptr, nullptr, nullptr);
  if (context->signKey == nullptr) {
    return "the first certificate's key cannot be read";
  }
  if (xmlSecDSigCtxVerify(context.get(), signature) < 0) {
    return "the signature is malformed or uses an algorithm that is not allowed";
  }
  return context->status == xmlSecDSigStatusSucceeded
             ? ""
             : "the signature does not verify: the manifest was changed";
}

}  // namespace casemate::attestation::rim
