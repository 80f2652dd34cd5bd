#include "crypto/aead.h"

#include <gtest/gtest.h>

#include <array>

#include "crypto/vector_file_test.h"

namespace casemate::crypto {
namespace {

// Wycheproof aes_gcm_test.json, the tests with the sizes that we use.
TEST(Aes256GcmTest, AgreesWithWycheproof) {
  int valid = 0;
  int invalid = 0;
  for (const Vector& vector : ReadVectors("aes_gcm.txt")) {
    if (vector.Text("keySize") != "256" || vector.Text("ivSize") != "96") {
      continue;
    }
    SCOPED_TRACE("tcId " + vector.Text("tcId"));
    Bytes key_bytes = vector.Hex("key");
    const Result<Key> key = Key::TakeFrom(key_bytes);
    ASSERT_TRUE(key.has_value());
    const Bytes nonce_bytes = vector.Hex("iv");
    const GcmNonce nonce = ByteView(nonce_bytes).first<kGcmNonceSize>();
    const Bytes aad = vector.Hex("aad");
    const Bytes message = vector.Hex("msg");
    Bytes sealed = vector.Hex("ct");
    Put(sealed, vector.Hex("tag"));

    const Result<Plaintext> opened = Aes256GcmOpen(*key, nonce, aad, sealed);
    if (vector.valid()) {
      ++valid;
      ASSERT_TRUE(opened.has_value());
      EXPECT_EQ(ToHex(opened->view().RevealBytes()), ToHex(message));
      const Result<Bytes> again =
          Aes256GcmSeal(*key, nonce, aad, PlaintextView::Of(ByteView(message)));
      ASSERT_TRUE(again.has_value());
      EXPECT_EQ(*again, sealed);
    } else {
      ++invalid;
      ASSERT_FALSE(opened.has_value());
      EXPECT_EQ(opened.error().code, ErrorCode::kIntegrityFailure);
    }
  }
  EXPECT_GT(valid, 20);
  EXPECT_GT(invalid, 20);
}

TEST(Aes256GcmTest, OpenRefusesLessThanATag) {
  const Result<Key> key = Key::Random();
  ASSERT_TRUE(key.has_value());
  const std::array<std::byte, kGcmNonceSize> nonce{};
  const Result<Plaintext> opened = Aes256GcmOpen(*key, nonce, {}, Bytes(kGcmTagSize - 1));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kIntegrityFailure);
}

}  // namespace
}  // namespace casemate::crypto
