#include "crypto/init.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <cstdlib>
#include <cstring>
#include <mutex>

#include "secmem/plaintext.h"

namespace casemate::crypto {
namespace {

void WipingFree(void* block, const char* /*file*/, int /*line*/) {
  if (block != nullptr) {
    Wipe({static_cast<std::byte*>(block), ::malloc_usable_size(block)});
    std::free(block);
  }
}

void* Allocate(std::size_t size, const char* /*file*/, int /*line*/) { return std::malloc(size); }

// Never grows in place by the C library's realloc, which may leave the old block behind unwiped.
void* WipingReallocate(void* block, std::size_t size, const char* file, int line) {
  if (block == nullptr) {
    return std::malloc(size);
  }
  if (size == 0) {
    WipingFree(block, file, line);
    return nullptr;
  }
  const std::size_t old_size = ::malloc_usable_size(block);
  void* fresh = std::malloc(size);
  if (fresh != nullptr) {
    std::memcpy(fresh, block, old_size < size ? old_size : size);
    WipingFree(block, file, line);
  }
  return fresh;
}

}  // namespace

Result<void> InitCrypto() {
  static std::mutex mutex;
  static bool installed = false;  // guarded by mutex
  const std::scoped_lock lock(mutex);
  if (installed) {
    return {};
  }
  if (CRYPTO_set_mem_functions(Allocate, WipingReallocate, WipingFree) != 1) {
    return Fail(ErrorCode::kUnavailable, "OpenSSL was used before InitCrypto");
  }
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1) {
    return Fail(ErrorCode::kUnavailable, "OpenSSL could not be initialized");
  }
  installed = true;
  return {};
}

}  // namespace casemate::crypto
