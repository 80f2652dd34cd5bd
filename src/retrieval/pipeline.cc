#include "retrieval/pipeline.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "retrieval/format.h"

static_assert(std::endian::native == std::endian::little, "vectors are stored little-endian");

namespace casemate::retrieval {
namespace {

constexpr std::size_t kTextsPerEmbed = 128;
constexpr std::uint32_t kMaxDimensions = 16'384;

}  // namespace

std::string Pipeline::Fingerprint() const {
  return "pipeline@v1/" + options_.embedding_model + "/" +
         std::to_string(options_.chunk.target_tokens) + "/" +
         std::to_string(options_.chunk.max_tokens);
}

Result<Prepared> Pipeline::Prepare(PlaintextView name, PlaintextView content) const {
  Result<std::string> format = DetectFormat(name, content);
  if (!format) {
    return std::unexpected(format.error());
  }
  ParseDocument request;
  request.format = *format;
  request.document = Plaintext::Copy(content);
  Result<ParsedDocument> parsed = parser_(request);
  if (!parsed) {
    return std::unexpected(parsed.error());
  }
  request.document.Clear();
  Result<std::shared_ptr<inference::RoomClient>> room = rooms_.Room(options_.chat_model);
  if (!room) {
    return std::unexpected(room.error());
  }
  Result<std::vector<Chunk>> chunks = ChunkDocument(
      *parsed, options_.chunk,
      [&](const std::vector<PlaintextView>& texts) { return (*room)->CountTokens(texts); });
  if (!chunks) {
    return std::unexpected(chunks.error());
  }
  Prepared prepared;
  prepared.title = std::move(parsed->title);
  prepared.chunks = std::move(*chunks);
  if (embeds()) {
    if (Result<void> embedded = EmbedChunks(prepared); !embedded) {
      return std::unexpected(embedded.error());
    }
  }
  return prepared;
}

Result<void> Pipeline::EmbedChunks(Prepared& prepared) const {
  Result<std::shared_ptr<inference::RoomClient>> room = rooms_.Room(options_.embedding_model);
  if (!room) {
    return std::unexpected(room.error());
  }
  prepared.model = options_.embedding_model;
  for (std::size_t at = 0; at < prepared.chunks.size(); at += kTextsPerEmbed) {
    inference::Embed request;
    const std::size_t end = std::min(at + kTextsPerEmbed, prepared.chunks.size());
    for (std::size_t i = at; i < end; ++i) {
      Plaintext text = Plaintext::Copy(prepared.chunks[i].heading.view());
      text.AppendLiteral(text.empty() ? "" : "\n");
      text.Append(prepared.chunks[i].text);
      request.texts.push_back(std::move(text));
    }
    Result<inference::EmbedReply> reply = (*room)->Embed(request);
    if (!reply) {
      return std::unexpected(reply.error());
    }
    if (at == 0) {
      prepared.dimensions = reply->dimensions;
    }
    if (reply->dimensions == 0 || reply->dimensions > kMaxDimensions ||
        reply->dimensions != prepared.dimensions ||
        reply->vectors.size() != (end - at) * reply->dimensions * sizeof(float)) {
      return Fail(ErrorCode::kUnavailable, "the embedding model answered vectors of another size");
    }
    prepared.vectors.Append(reply->vectors);
  }
  return {};
}

Result<inference::EmbedReply> Pipeline::EmbedQuery(PlaintextView query) const {
  Result<std::shared_ptr<inference::RoomClient>> room = rooms_.Room(options_.embedding_model);
  if (!room) {
    return std::unexpected(room.error());
  }
  inference::Embed request;
  request.texts.push_back(Plaintext::Copy(query));
  Result<inference::EmbedReply> reply = (*room)->Embed(request);
  if (reply && (reply->dimensions == 0 || reply->dimensions > kMaxDimensions ||
                reply->vectors.size() != reply->dimensions * sizeof(float))) {
    return Fail(ErrorCode::kUnavailable, "the embedding model answered vectors of another size");
  }
  return reply;
}

}  // namespace casemate::retrieval
