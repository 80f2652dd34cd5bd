#pragma once

#include <array>
#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "inference/client/room_client.h"
#include "retrieval/messages.h"

// For the tests of this folder: a model whose tokens are words and whose vectors are hashed bags of
// words, and a parser that knows paragraphs, lines that begin with '#' and pages that begin with a
// form feed.
namespace casemate::retrieval {

class FakeRoomClient : public inference::RoomClient {
 public:
  static constexpr std::uint32_t kDimensions = 32;

  Result<inference::GenerateDone> Generate(const inference::Generate&, const Sink&,
                                           const std::function<bool()>&) override {
    return Fail(ErrorCode::kUnavailable, "this model only counts and embeds");
  }
  Result<inference::EmbedReply> Embed(const inference::Embed& request) override {
    ++embeds;
    inference::EmbedReply reply;
    reply.dimensions = kDimensions;
    for (const Plaintext& text : request.texts) {
      std::array<float, kDimensions> vector{};
      vector[0] = 1e-3F;
      ForWords(text.view().Reveal(), [&](std::string_view word) {
        vector[std::hash<std::string_view>()(word) % kDimensions] += 1;
      });
      float sum = 0;
      for (const float x : vector) {
        sum += x * x;
      }
      for (float& x : vector) {
        x /= std::sqrt(sum);
      }
      reply.vectors.Append(PlaintextView::Of(std::as_bytes(std::span(vector))));
    }
    return reply;
  }
  Result<std::vector<std::uint32_t>> CountTokens(const std::vector<PlaintextView>& texts) override {
    ++counts;
    std::vector<std::uint32_t> tokens;
    for (const PlaintextView text : texts) {
      std::uint32_t words = 0;
      ForWords(text.Reveal(), [&](std::string_view) { ++words; });
      tokens.push_back(words);
    }
    return tokens;
  }
  Result<inference::RankReply> Rank(const inference::Rank&) override {
    return Fail(ErrorCode::kUnavailable, "this model only counts and embeds");
  }

  std::atomic<int> embeds = 0;
  std::atomic<int> counts = 0;

 private:
  static void ForWords(std::string_view text, const std::function<void(std::string_view)>& use) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find_first_of(" \n\t", at), text.size());
      if (end > at) {
        use(text.substr(at, end - at));
      }
      at = end + 1;
    }
  }
};

class FakeRoomDirectory : public inference::RoomDirectory {
 public:
  Result<std::shared_ptr<inference::RoomClient>> Room(const std::string& model) override {
    if (model != "chat" && model != "embed") {
      return Fail(ErrorCode::kNotFound, "no such model");
    }
    return std::shared_ptr<inference::RoomClient>(room);
  }
  std::shared_ptr<FakeRoomClient> room = std::make_shared<FakeRoomClient>();
};

inline Result<ParsedDocument> FakeParse(const ParseDocument& request) {
  ParsedDocument parsed;
  const std::string_view text = request.document.view().Reveal();
  if (text.find("unparsable") != std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument, "unparsable document");
  }
  parsed.text = Plaintext::Copy(text);
  std::uint32_t page = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (text[at] == '\f') {
      ++page;
      ++at;
    }
    if (end > at) {
      Block block;
      block.page = page;
      block.begin = static_cast<std::uint32_t>(at);
      block.end = static_cast<std::uint32_t>(end);
      if (text[at] == '#') {
        block.kind = BlockKind::kHeading;
        block.level = 1;
        block.begin += 1;
        if (parsed.title.empty()) {
          parsed.title = Plaintext::Copy(text.substr(at + 1, end - at - 1));
        }
      }
      parsed.blocks.push_back(block);
    }
    at = end + 1;
  }
  return parsed;
}

}  // namespace casemate::retrieval
