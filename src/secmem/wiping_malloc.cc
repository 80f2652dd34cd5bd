// The C library's allocator with one change: what is freed, or left behind by realloc, is zeroed
// first. Linked into every executable of the release preset (sanitizers bring their own allocator),
// it takes the place of malloc for the program and for every library in the process; operator new
// and delete stand on malloc and free.
//
// Blocks are wiped whole (malloc_usable_size), because no allocator knows how much of them was
// written. That costs a pass over the memory at each free: little for small blocks, which are in
// the cache, and memory bandwidth for large ones; freeing a large block of which little was ever
// touched makes the kernel map the rest. Large blocks that are freed often belong in a region that
// wipes what it used.
//
// glibc exports its allocator under the names __libc_*, for programs that put something around it.
#include <malloc.h>
#include <strings.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void* __libc_valloc(std::size_t size);
void* __libc_pvalloc(std::size_t size);
void __libc_free(void* block);

void* malloc(std::size_t size) noexcept { return __libc_malloc(size); }

void* calloc(std::size_t count, std::size_t size) noexcept { return __libc_calloc(count, size); }

void free(void* block) noexcept {
  if (block != nullptr) {
    ::explicit_bzero(block, ::malloc_usable_size(block));
    __libc_free(block);
  }
}

void* realloc(void* block, std::size_t size) noexcept {
  if (block == nullptr) {
    return __libc_malloc(size);
  }
  if (size == 0) {  // as glibc has it
    free(block);
    return nullptr;
  }
  const std::size_t held = ::malloc_usable_size(block);
  if (size <= held && size >= held / 2) {
    ::explicit_bzero(static_cast<char*>(block) + size, held - size);
    return block;
  }
  void* fresh = __libc_malloc(size);
  if (fresh != nullptr) {
    std::memcpy(fresh, block, size < held ? size : held);
    free(block);
  }
  return fresh;
}

void* reallocarray(void* block, std::size_t count, std::size_t size) noexcept {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(block, bytes);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  if (!std::has_single_bit(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept {
  if (!std::has_single_bit(alignment) || alignment % sizeof(void*) != 0) {
    return EINVAL;
  }
  void* block = __libc_memalign(alignment, size);
  if (block == nullptr) {
    return ENOMEM;
  }
  *out = block;
  return 0;
}

void* valloc(std::size_t size) noexcept { return __libc_valloc(size); }

void* pvalloc(std::size_t size) noexcept { return __libc_pvalloc(size); }

// C23, in glibc from 2.43 on: there they would go past the functions above.
void free_sized(void* block, std::size_t /*size*/) noexcept { free(block); }

void free_aligned_sized(void* block, std::size_t /*alignment*/, std::size_t /*size*/) noexcept {
  free(block);
}

}  // extern "C"
