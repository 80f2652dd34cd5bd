// Built twice: with the wiping allocator, and without it as the control that shows that these tests
// can see what a freed block holds. Reading freed memory is what is tested here; the compiler is
// kept from knowing.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

namespace {

#ifdef CASEMATE_WIPING_MALLOC
constexpr bool kWiping = true;
#else
constexpr bool kWiping = false;
#endif

constexpr unsigned char kMark = 0xa7;
// The allocator keeps its own links at the beginning of a free block.
constexpr std::size_t kLinks = 32;

template <typename T>
T* Launder(T* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

// Bytes of kMark that are left of `size` bytes at `address`. Allocates nothing.
std::size_t Residue(std::uintptr_t address, std::size_t size) {
  const volatile auto* bytes = Launder(reinterpret_cast<const volatile unsigned char*>(address));
  std::size_t left = 0;
  for (std::size_t i = kLinks; i < size; ++i) {
    left += bytes[i] == kMark ? 1 : 0;
  }
  return left;
}

std::uintptr_t Mark(void* block, std::size_t size) {
  std::memset(block, kMark, size);
  return reinterpret_cast<std::uintptr_t>(Launder(block));
}

void ExpectResidue(std::size_t left) {
  if (kWiping) {
    EXPECT_EQ(left, 0U);
  } else {
    EXPECT_GT(left, 0U);
  }
}

constexpr std::size_t kSizes[] = {64, 200, 1000, 4096, 20'000, 100'000};

TEST(WipingMallocTest, FreedBlocksHoldNothing) {
  for (const std::size_t size : kSizes) {
    SCOPED_TRACE(size);
    void* block = Launder(std::malloc(size));
    void* guard = Launder(std::malloc(16));  // keeps the heap from shrinking below the block
    const std::uintptr_t address = Mark(block, size);
    std::free(block);
    const std::size_t left = Residue(address, size);
    std::free(guard);
    ExpectResidue(left);
  }
}

TEST(WipingMallocTest, BytesPastTheAskedSizeAreWipedToo) {
  void* block = Launder(std::malloc(1001));
  const std::size_t usable = ::malloc_usable_size(block);
  const std::uintptr_t address = Mark(block, usable);
  std::free(block);
  ExpectResidue(Residue(address + usable - kLinks - 8, kLinks + 8));
}

TEST(WipingMallocTest, DeletedObjectsHoldNothing) {
  auto* block = Launder(static_cast<unsigned char*>(::operator new(5000)));
  const std::uintptr_t address = Mark(block, 5000);
  ::operator delete(block);
  ExpectResidue(Residue(address, 5000));

  auto* aligned = Launder(static_cast<unsigned char*>(::operator new(5000, std::align_val_t(128))));
  const std::uintptr_t aligned_address = Mark(aligned, 5000);
  ::operator delete(aligned, std::align_val_t(128));
  ExpectResidue(Residue(aligned_address, 5000));
}

TEST(WipingMallocTest, AlignedBlocksHoldNothingOnceFreed) {
  void* block = nullptr;
  ASSERT_EQ(::posix_memalign(&block, 256, 3000), 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 256, 0U);
  const std::uintptr_t address = Mark(block, 3000);
  std::free(block);
  ExpectResidue(Residue(address, 3000));
}

TEST(WipingMallocTest, ReallocLeavesNothingBehindAndKeepsTheContent) {
  void* block = Launder(std::malloc(2000));
  void* guard = Launder(std::malloc(2000));  // no room to grow in place
  const std::uintptr_t address = Mark(block, 2000);
  void* grown = Launder(std::realloc(block, 50'000));
  const std::size_t left = Residue(address, 2000);
  ASSERT_NE(reinterpret_cast<std::uintptr_t>(grown), address);
  EXPECT_EQ(Residue(reinterpret_cast<std::uintptr_t>(grown), 2000), 2000 - kLinks);
  void* shrunk = Launder(std::realloc(grown, 40'000));
  EXPECT_EQ(Residue(reinterpret_cast<std::uintptr_t>(shrunk), 2000), 2000 - kLinks);
  std::free(shrunk);
  std::free(guard);
  ExpectResidue(left);
}

TEST(WipingMallocTest, LibrariesUseItToo) {
  const std::string text(3000, static_cast<char>(kMark));
  char* copy = Launder(::strdup(text.c_str()));  // allocated inside the C library
  const auto address = reinterpret_cast<std::uintptr_t>(copy);
  std::free(copy);
  ExpectResidue(Residue(address, 3000));
}

TEST(WipingMallocTest, BehavesAsTheStandardSays) {
  EXPECT_EQ(std::realloc(Launder(std::malloc(10)), 0), nullptr);
  auto* zeroed = Launder(static_cast<unsigned char*>(std::calloc(100, 7)));
  for (int i = 0; i < 700; ++i) {
    ASSERT_EQ(zeroed[i], 0);
  }
  std::free(zeroed);
  volatile std::size_t huge = SIZE_MAX / 2;
  EXPECT_EQ(std::calloc(huge, 3), nullptr);
  EXPECT_EQ(::reallocarray(nullptr, huge, 3), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  void* block = nullptr;
  volatile std::size_t odd = 24;
  EXPECT_EQ(::posix_memalign(&block, odd, 10), EINVAL);
  void* aligned = ::aligned_alloc(64, 640);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(aligned) % 64, 0U);
  std::free(aligned);
  std::free(nullptr);
}

}  // namespace
