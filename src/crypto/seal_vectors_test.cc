#include <gtest/gtest.h>

#include <array>
#include <string>

#include "crypto/hash.h"
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

// The vectors of docs/formats/seal.md, which tests/vectors/seal_reference.py computes from the
// specification, without our code and without OpenSSL.
TEST(SealVectorsTest, AgreesWithTheReferenceInPython) {
  Bytes key_bytes;
  for (int i = 0; i < 32; ++i) {
    key_bytes.push_back(static_cast<std::byte>(i));
  }
  const Result<Key> key = Key::TakeFrom(key_bytes);
  ASSERT_TRUE(key.has_value());
  struct Case {
    const char* context;
    std::string content;
    const char* sealed;  // whole, or the SHA-256 of it
  };
  for (const Case& c :
       {Case{"", "",
             "404142434445464748494a4b4c4d4e4f5051525354555657ce61afafcb59afd6c1ceb790f6a49c30840c"
             "08278c1b65f77a115d4ee709c89f1c3d4b7a6926e9d4a86d5c247295b72d2a14eec53f212f96"},
        Case{"casemate", "Casemate seals.",
             "404142434445464748494a4b4c4d4e4f505152535455565744bf0d523094285b144a9760c97e0c5ab38d"
             "f1da6d4ea0d56bad44764af02e7e3127765714191ac195a56b6b810a7aac73b4ecee942d1d30758e627f"
             "86d9a04b0a6f77d058421af5"},
        Case{"casemate", std::string(16400, 'Z'),
             "7f4bffa30f62848d15f4cca724328fd23234769e90274191ea246e66390e06aa"}}) {
    std::array<std::byte, internal::kSealSaltSize> salt;
    for (std::size_t i = 0; i < salt.size(); ++i) {
      salt[i] = static_cast<std::byte>(0x40 + i);
    }
    Bytes message;
    PutU64(message, c.content.size());
    Put(message, AsBytes(c.content));
    message.resize(PadmeSize(message.size()));
    Bytes sealed;
    auto writer = internal::ChunkWriter::BeginWithSalt(*key, AsBytes(c.context), salt, sealed);
    ASSERT_TRUE(writer.has_value());
    writer->Append(message, sealed);
    writer->Finish(sealed);
    EXPECT_EQ(sealed.size() < 200 ? ToHex(sealed) : ToHex(Sha256(sealed)), c.sealed);
    const Result<Plaintext> opened = Open(*key, AsBytes(c.context), sealed);
    ASSERT_TRUE(opened.has_value()) << opened.error().detail;
    EXPECT_EQ(opened->view().Reveal(), c.content);
  }
}

}  // namespace
}  // namespace casemate::crypto
