// The test vectors of docs/formats/audit_log.md: a log of three entries with fixed keys and times.
// ML-DSA-44 signs with fresh randomness (FIPS 204, hedged), so that signature is not a vector.
#include <gtest/gtest.h>

#include <array>

#include "audit/verify/log_reader.h"
#include "audit/verify/test_log.h"

namespace casemate::audit {
namespace {

Leaf VectorLeaf(std::uint64_t number) {
  Leaf leaf;
  leaf.type = std::array{LeafType::kStart, LeafType::kTicket, LeafType::kRefusal}.at(number);
  leaf.unix_ms = 1767225600000 + (1000 * static_cast<std::int64_t>(number));
  if (number > 0) {
    leaf.tenant.fill(std::byte{0x11});
    leaf.principal.fill(std::byte{0x22});
    leaf.ticket.fill(std::byte{0x33});
    leaf.justification = 5;
    leaf.level = 2;
    leaf.actions = 6;
    leaf.label = 2;
    leaf.max_objects = 64;
    leaf.max_partitions = 4;
    leaf.duration_ms = 30000;
    leaf.request.fill(std::byte{0x55});
  }
  if (number == 2) {
    leaf.rule = 4;
  }
  return leaf;
}

std::string Document() {
  const Bytes content =
      ReadFile(std::filesystem::path(CASEMATE_SOURCE_DIR) / "docs/formats/audit_log.md", 1 << 20)
          .value();
  return std::string(AsText(content));
}

void ExpectInDocument(const std::string& document, const std::string& what,
                      const std::string& value) {
  EXPECT_NE(document.find(value), std::string::npos)
      << what << " is not in the document: " << value;
}

TEST(AuditLogVectorTest, TheDocumentHasTheBytesThatWeWrite) {
  const std::string document = Document();
  std::vector<Digest> hashes;
  for (std::uint64_t i = 0; i < 3; ++i) {
    const Bytes entry = EncodeLeaf(VectorLeaf(i));
    hashes.push_back(LeafHash(entry));
    ExpectInDocument(document, "entry " + std::to_string(i), ToHex(entry));
    ExpectInDocument(document, "hash " + std::to_string(i), ToHex(hashes.back()));
  }
  const Digest root = RootHash(3, SourceOf(hashes)).value();
  ExpectInDocument(document, "root", ToHex(root));
  const std::vector<VerifierKey> verifiers = TestVerifiers();
  ExpectInDocument(document, "Ed25519 key", verifiers[0].ToString());
  const std::string note =
      SignCheckpoint({.origin = std::string(kTestOrigin), .size = 3, .root = root}, TestKeys(),
                     1767225602)
          .value();
  // The text and the first signature line; what follows is the second one.
  ExpectInDocument(document, "checkpoint", note.substr(0, note.rfind("\u2014")));
}

TEST(AuditLogVectorTest, TheKeyIdsAreThoseOfTheDocument) {
  const std::string document = Document();
  for (const VerifierKey& key : TestVerifiers()) {
    const std::string text = key.ToString();
    ExpectInDocument(document, "key id", text.substr(0, text.find('+') + 9));
  }
}

}  // namespace
}  // namespace casemate::audit
