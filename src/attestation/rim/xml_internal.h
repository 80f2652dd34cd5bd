#pragma once

#include <libxml/tree.h>

#include <memory>
#include <string>

#include "base/bytes.h"

// What the .cc files of this folder share about libxml2 and xmlsec.
namespace casemate::attestation::rim {

struct FreeDocument {
  void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};
using Document = std::unique_ptr<xmlDoc, FreeDocument>;

// Initialises both libraries once, without a configuration file, and keeps them silent.
void Prepare();

// Empty when the one signature of the document, a child of its root, verifies under the
// certificate's key, covers the whole document but itself, and uses ECDSA with SHA-384; else why
// not.
std::string VerifySignature(xmlDoc* document, ByteView signer_der);

}  // namespace casemate::attestation::rim
