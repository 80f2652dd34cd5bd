#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "inference/room/llama_context.h"
#include "inference/room/test_model.h"
#include "llama.h"

// Looks for what a request left in this process's own memory, with a positive control: the same
// search finds it while the request's state is there.
namespace casemate::inference {
namespace {

constexpr std::size_t kWindow = 64;  // bytes that are looked for
constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr std::size_t kHugeMapping = std::size_t{1} << 30;  // a sanitizer's shadow

// Memory that the search leaves out: what is looked for, and its own buffer.
class Excluded {
 public:
  explicit Excluded(std::size_t size) : size_(size) {
    data_ = static_cast<char*>(
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_NE(data_, MAP_FAILED);
  }
  Excluded(const Excluded&) = delete;
  Excluded& operator=(const Excluded&) = delete;
  ~Excluded() { ::munmap(data_, size_); }
  char* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool Overlaps(std::uintptr_t begin, std::uintptr_t end) const {
    const auto mine = reinterpret_cast<std::uintptr_t>(data_);
    return begin < mine + size_ && mine < end;
  }

 private:
  char* data_;
  std::size_t size_;
};

// How often `needle` stands in this process's writable memory, `needle`'s own mapping left out.
// Read through the kernel: a sanitizer would object to reading what is freed.
std::size_t CountInMemory(std::string_view needle, const Excluded& needles) {
  const Excluded buffer(kPiece + kWindow);
  const UniqueFd memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  std::ifstream maps("/proc/self/maps");
  std::size_t found = 0;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char mode[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, mode) != 3 || mode[1] != 'w' ||
        end - begin > kHugeMapping) {
      continue;
    }
    for (std::uintptr_t at = begin; at < end; at += kPiece) {
      const std::size_t size = std::min<std::size_t>(kPiece + kWindow, end - at);
      if (buffer.Overlaps(at, at + size) || needles.Overlaps(at, at + size)) {
        continue;  // a mapping may be joined to a neighbour's: only these pieces are lost
      }
      const ssize_t got = ::pread(memory.get(), buffer.data(), size, static_cast<off_t>(at));
      if (got <= 0) {
        continue;
      }
      const std::string_view read(buffer.data(), static_cast<std::size_t>(got));
      for (std::size_t hit = read.find(needle); hit != std::string_view::npos && hit < kPiece;
           hit = read.find(needle, hit + 1)) {
        ++found;
      }
    }
  }
  return found;
}

// A context after a prompt's step.
LlamaContext Computed(ComputePermit& permit) {
  Result<LlamaContext> context = LlamaContext::Create(
      ShippedModel(), {.context_tokens = 320, .sequences = 2, .step_tokens = 256, .threads = 1},
      permit);
  EXPECT_TRUE(context.has_value());
  Result<TokenBuffer> tokens = ShippedModel().TokenizeContent(
      PlaintextView::Of(std::string_view("the canary of this test is a yellow bird in a mine")));
  std::vector<StepToken> step;
  for (const std::int32_t token : tokens->RevealTokens()) {
    step.push_back({.token = token,
                    .position = static_cast<std::int32_t>(step.size()),
                    .sequence = 1,
                    .wants_output = step.size() + 1 == tokens->size()});
  }
  EXPECT_TRUE(context->Step(step).has_value());
  return std::move(*context);
}

TEST(ResidueTest, AClosedWindowLeavesNoKeysAndValues) {
  ComputePermit permit{UniqueFd()};
  LlamaContext context = Computed(permit);
  const Excluded image(std::size_t{4} << 20);
  const std::size_t size = ::llama_state_seq_get_size(context.get(), 1);
  ASSERT_LT(size, image.size());
  ASSERT_EQ(::llama_state_seq_get_data(context.get(), reinterpret_cast<std::uint8_t*>(image.data()),
                                       size, 1),
            size);
  // Rows of keys and values: past the image's table of positions, at places spread over it.
  std::vector<std::string_view> windows;
  for (std::size_t i = 1; i < 16; ++i) {
    windows.emplace_back(image.data() + (size * i / 16) / 64 * 64, kWindow);
  }
  std::size_t before = 0;
  for (const std::string_view window : windows) {
    before += CountInMemory(window, image);
  }
  EXPECT_GT(before, 0U);  // the search finds what is there

  context.Clear();

  for (const std::string_view window : windows) {
    EXPECT_EQ(CountInMemory(window, image), 0U);
  }
}

TEST(ResidueTest, AnEndedSequenceLeavesNoKeysAndValuesAfterTheNextStep) {
  ComputePermit permit{UniqueFd()};
  LlamaContext context = Computed(permit);
  const Excluded image(std::size_t{4} << 20);
  const std::size_t size = ::llama_state_seq_get_size(context.get(), 1);
  ASSERT_EQ(::llama_state_seq_get_data(context.get(), reinterpret_cast<std::uint8_t*>(image.data()),
                                       size, 1),
            size);
  std::vector<std::string_view> windows;
  for (std::size_t i = 1; i < 16; ++i) {
    windows.emplace_back(image.data() + (size * i / 16) / 64 * 64, kWindow);
  }
  const auto count = [&] {
    std::size_t found = 0;
    for (const std::string_view window : windows) {
      found += CountInMemory(window, image);
    }
    return found;
  };
  EXPECT_GT(count(), 0U);

  context.EraseSequence(1);
  // Another sequence, whose answer goes on.
  const std::vector<StepToken> step = {
      {.token = 100, .position = 0, .sequence = 0, .wants_output = true}};
  ASSERT_TRUE(context.Step(step).has_value());

  EXPECT_EQ(count(), 0U);
  // And the sequence that was erased works as a new one.
  const std::vector<StepToken> again = {
      {.token = 100, .position = 0, .sequence = 1, .wants_output = true}};
  const std::vector<float> first(context.Logits(0).begin(), context.Logits(0).end());
  ASSERT_TRUE(context.Step(again).has_value());
  const std::span<const float> second = context.Logits(0);
  ASSERT_EQ(first.size(), second.size());
  for (std::size_t i = 0; i < first.size(); i += 97) {
    EXPECT_NEAR(first[i], second[i], 1e-3);
  }
}

TEST(ResidueTest, AClosedWindowLeavesNoLogits) {
  ComputePermit permit{UniqueFd()};
  LlamaContext context = Computed(permit);
  const Excluded kept(4096);
  const float* logits = ::llama_get_logits_ith(context.get(), -1);
  ASSERT_NE(logits, nullptr);
  std::memcpy(kept.data(), logits + 1000, kWindow);
  const std::string_view window(kept.data(), kWindow);
  EXPECT_GT(CountInMemory(window, kept), 0U);
  context.Clear();
  EXPECT_EQ(CountInMemory(window, kept), 0U);
}

TEST(ResidueTest, AClosedWindowLeavesNoTokens) {
  ComputePermit permit{UniqueFd()};
  const Excluded kept(4096);
  {
    LlamaContext context = Computed(permit);
    Result<TokenBuffer> tokens = ShippedModel().TokenizeContent(
        PlaintextView::Of(std::string_view("the canary of this test is a yellow bird in a mine")));
    // Not the first ones: the library's copy of a batch is overwritten from its beginning.
    ASSERT_GE(tokens->size(), 10U);
    std::memcpy(kept.data(), tokens->RevealTokens().data() + 2, 8 * sizeof(std::int32_t));
    tokens->Clear();
    const std::string_view window(kept.data(), 8 * sizeof(std::int32_t));
    EXPECT_GT(CountInMemory(window, kept), 0U);
    context.Clear();
    EXPECT_EQ(CountInMemory(window, kept), 0U);
  }
}

// An encoder keeps no keys and values, but the batch, its outputs and activations all the same.
TEST(ResidueTest, AClosedWindowOfAnEncoderLeavesNoTokensAndNoVector) {
  ComputePermit permit{UniqueFd()};
  Result<LlamaContext> context = LlamaContext::Create(
      ShippedEmbedder(),
      {.context_tokens = 512, .sequences = 4, .step_tokens = 512, .threads = 1, .embeddings = true},
      permit);
  ASSERT_TRUE(context.has_value());
  std::size_t whole = 0;
  Result<TokenBuffer> tokens = ShippedEmbedder().TokenizeText(
      PlaintextView::Of(std::string_view("the canary of this test is a yellow bird in a mine")),
      512, whole);
  ASSERT_TRUE(tokens.has_value());
  ASSERT_GE(tokens->size(), 12U);
  const Excluded kept(4096);
  std::memcpy(kept.data(), tokens->RevealTokens().data() + 3, 8 * sizeof(std::int32_t));
  {
    std::vector<StepToken> step;
    for (const std::int32_t token : tokens->RevealTokens()) {
      step.push_back({.token = token,
                      .position = static_cast<std::int32_t>(step.size()),
                      .sequence = 1,
                      .wants_output = true});
    }
    ASSERT_TRUE(context->Step(step).has_value());
  }
  tokens->Clear();
  const std::span<const float> vector = context->Embedding(1);
  ASSERT_EQ(vector.size(), 1024U);
  std::memcpy(kept.data() + 256, vector.data() + 512, kWindow);
  const std::string_view ids(kept.data(), 8 * sizeof(std::int32_t));
  const std::string_view numbers(kept.data() + 256, kWindow);
  EXPECT_GT(CountInMemory(ids, kept), 0U);
  EXPECT_GT(CountInMemory(numbers, kept), 0U);

  context->Clear();

  EXPECT_EQ(CountInMemory(ids, kept), 0U);
  EXPECT_EQ(CountInMemory(numbers, kept), 0U);
}

}  // namespace
}  // namespace casemate::inference
