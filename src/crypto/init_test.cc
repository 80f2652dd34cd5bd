#include "crypto/init.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include "crypto/hash.h"

namespace casemate::crypto {
namespace {

// The choice is for the life of a process: each test runs in a fresh one, where no other test has
// used OpenSSL before ("threadsafe" executes the program again).
TEST(InitCryptoTest, WorksTwiceAndOpensslWorksAfterwards) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const bool once = InitCrypto().has_value();
        const bool twice = InitCrypto().has_value();
        CRYPTO_malloc_fn allocate = nullptr;
        CRYPTO_realloc_fn reallocate = nullptr;
        CRYPTO_free_fn release = nullptr;
        CRYPTO_get_mem_functions(&allocate, &reallocate, &release);
        auto* block = static_cast<char*>(OPENSSL_malloc(4));
        block[0] = 'a';
        block = static_cast<char*>(OPENSSL_realloc(block, 100'000));
        const bool kept = block[0] == 'a';
        OPENSSL_free(block);
        const bool hooked = release != nullptr && release != &CRYPTO_free;
        const bool hashes = ToHex(Sha256(AsBytes("abc"))).starts_with("ba7816bf");
        std::_Exit(once && twice && kept && hooked && hashes ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(InitCryptoTest, RefusesWhenOpensslHasAllocatedAlready) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        OPENSSL_free(OPENSSL_malloc(1));
        const Result<void> late = InitCrypto();
        std::_Exit(!late && late.error().code == ErrorCode::kUnavailable ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace casemate::crypto
