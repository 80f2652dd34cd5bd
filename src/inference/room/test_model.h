#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/file.h"
#include "inference/room/llama_backend.h"
#include "inference/room/llama_model.h"

// The shipped model, for tests of this folder.
namespace casemate::inference {

inline std::string ShippedModelPath() {
  return std::string(CASEMATE_SOURCE_DIR) + "/models/casemate-answer-q8_0.gguf";
}

// The plain x86-64 backend where there is one: its results are the same on every such processor.
inline void LoadTestBackends() {
  static const bool loaded = [] {
    const std::string plain = "/usr/lib/x86_64-linux-gnu/ggml/backends0/libggml-cpu-x64.so";
    Result<void> result = LoadBackends(std::filesystem::exists(plain) ? plain : "");
    EXPECT_TRUE(result.has_value());
    return result.has_value();
  }();
  ASSERT_TRUE(loaded);
}

// A sealed memfd with `content`, as the supervisor hands one to a room.
inline UniqueFd SealedFile(ByteView content) {
  UniqueFd file(::memfd_create("model", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_TRUE(WriteAll(file.get(), content).has_value());
  EXPECT_EQ(
      ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
      0);
  return file;
}

inline const Bytes& ShippedModelBytes() {
  static const Bytes bytes = [] {
    Result<Bytes> read = ReadFile(ShippedModelPath(), std::size_t{64} << 20);
    EXPECT_TRUE(read.has_value());
    return read ? std::move(*read) : Bytes();
  }();
  return bytes;
}

inline const LlamaModel& ShippedModel() {
  static const LlamaModel model = [] {
    LoadTestBackends();
    const UniqueFd file = SealedFile(ShippedModelBytes());
    Result<LlamaModel> loaded = LlamaModel::Load(file.get());
    if (!loaded) {
      throw std::runtime_error("the shipped model does not load: " + loaded.error().message);
    }
    return std::move(*loaded);
  }();
  return model;
}

// The shipped embedder: an encoder, with tokens of its own around a text.
inline const LlamaModel& ShippedEmbedder() {
  static const LlamaModel model = [] {
    LoadTestBackends();
    Result<Bytes> bytes =
        ReadFile(std::string(CASEMATE_SOURCE_DIR) + "/models/casemate-embed-q8_0.gguf",
                 std::size_t{64} << 20);
    const UniqueFd file = SealedFile(bytes ? *bytes : Bytes());
    Result<LlamaModel> loaded = LlamaModel::Load(file.get());
    if (!loaded) {
      throw std::runtime_error("the shipped embedder does not load: " + loaded.error().message);
    }
    return std::move(*loaded);
  }();
  return model;
}

}  // namespace casemate::inference
