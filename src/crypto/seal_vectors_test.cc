#include <gtest/gtest.h>

#include <cstring>
#include <optional>

#include "crypto/openssl_internal.h"
#include "crypto/seal.h"
#include "crypto/seal_chunks_internal.h"
#include "crypto/vector_file_test.h"

namespace casemate::crypto {
namespace {

std::string Sha512Hex(ByteView data) {
  std::array<std::byte, 64> digest;
  EVP_Q_digest(nullptr, "SHA512", nullptr, data.data(), data.size(), internal::Out(digest),
               nullptr);
  return ToHex(digest);
}

// Wycheproof c2sp_chunked_encryption_aes_256_gcm_test.json: every one of its 35 tests. Those with a
// key of another size cannot be written with our types; that Key refuses the size is the test.
TEST(SealVectorsTest, AgreesWithWycheproof) {
  int valid = 0;
  int invalid = 0;
  int wrong_key_size = 0;
  for (const Vector& vector : ReadVectors("seal.txt")) {
    SCOPED_TRACE("tcId " + vector.Text("tcId") + ": " + vector.Text("comment"));
    Bytes key_bytes = vector.Hex("key");
    const Result<Key> key = Key::TakeFrom(key_bytes);
    if (!key) {
      EXPECT_NE(vector.Text("flags").find("InvalidKeySize"), std::string::npos);
      ++wrong_key_size;
      continue;
    }
    const Result<Plaintext> opened = OpenRaw(*key, vector.Hex("ctx"), vector.Hex("ct"));
    if (vector.valid()) {
      ++valid;
      ASSERT_TRUE(opened.has_value()) << opened.error().detail;
      EXPECT_EQ(std::to_string(opened->size()), vector.Text("msgLength"));
      EXPECT_EQ(Sha512Hex(opened->view().RevealBytes()), vector.Text("msgSha512"));
    } else {
      ++invalid;
      ASSERT_FALSE(opened.has_value());
      EXPECT_EQ(opened.error().code, ErrorCode::kIntegrityFailure);
    }
  }
  EXPECT_EQ(valid, 10);
  EXPECT_EQ(invalid, 23);
  EXPECT_EQ(wrong_key_size, 2);
}

// Sealing what a valid vector opens to, with its salt, gives the vector.
TEST(SealVectorsTest, SealingWithTheSaltOfAVectorGivesTheVector) {
  int sealed_again = 0;
  for (const Vector& vector : ReadVectors("seal.txt")) {
    if (!vector.valid()) {
      continue;
    }
    SCOPED_TRACE("tcId " + vector.Text("tcId"));
    Bytes key_bytes = vector.Hex("key");
    const Result<Key> key = Key::TakeFrom(key_bytes);
    ASSERT_TRUE(key.has_value());
    const Bytes expected = vector.Hex("ct");
    const Bytes context = vector.Hex("ctx");
    const Result<Plaintext> opened = OpenRaw(*key, context, expected);
    ASSERT_TRUE(opened.has_value());
    Bytes sealed;
    auto writer = internal::ChunkWriter::BeginWithSalt(
        *key, context, ByteView(expected).first<internal::kSealSaltSize>(), sealed);
    ASSERT_TRUE(writer.has_value());
    writer->Append(opened->view().RevealBytes(), sealed);
    writer->Finish(sealed);
    EXPECT_TRUE(sealed == expected);
    EXPECT_EQ(sealed.size(), SealedSize(opened->size()));
    ++sealed_again;
  }
  EXPECT_EQ(sealed_again, 10);
}

}  // namespace
}  // namespace casemate::crypto
