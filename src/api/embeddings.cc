#include <bit>
#include <cstring>

#include "api/embeddings_request.h"
#include "api/endpoints.h"
#include "api/errors.h"
#include "api/fields.h"
#include "api/models.h"
#include "json/writer.h"

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

constexpr std::string_view kServed[] = {"model", "input", "encoding_format", "dimensions"};
constexpr std::string_view kIgnored[] = {"user"};

Result<void> AddInput(const json::Value& value, EmbeddingsRequest& request) {
  if (value.kind() == Kind::kInteger || value.kind() == Kind::kArray) {
    return BadField(value, "Invalid '" + value.path() +
                               "': arrays of tokens are not served, because token ids differ "
                               "between models; send the text.");
  }
  Result<PlaintextView> text = value.AsString();
  if (!text) {
    return std::unexpected(text.error());
  }
  if (text->empty()) {
    return BadField(value, "Invalid '" + value.path() + "': the text is empty.");
  }
  request.texts.push_back(Plaintext::Copy(*text));
  return {};
}

// RFC 4648, section 4, into memory that is wiped: a vector tells what its text was about.
Plaintext Base64(ByteView bytes) {
  constexpr std::size_t kStep = 768;  // a multiple of three: pieces join without padding
  Plaintext out;
  out.Reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += kStep) {
    std::string piece = ToBase64(bytes.subspan(at, std::min(kStep, bytes.size() - at)));
    out.Append(PlaintextView::Of(piece));
    Wipe(std::as_writable_bytes(std::span(piece)));
  }
  return out;
}

void WriteVector(json::Writer& writer, ByteView vector, bool base64) {
  static_assert(std::endian::native == std::endian::little, "OpenAI's base64 is little-endian");
  if (base64) {
    writer.Content(Base64(vector));
    return;
  }
  writer.BeginArray();
  for (std::size_t at = 0; at + sizeof(float) <= vector.size(); at += sizeof(float)) {
    float number = 0;
    std::memcpy(&number, vector.data() + at, sizeof(number));
    writer.Number(number);
  }
  writer.EndArray();
}

Plaintext Answer(const EmbeddingsRequest& request, const inference::EmbedReply& reply) {
  const std::size_t stride = reply.dimensions * sizeof(float);
  json::Writer writer;
  writer.BeginObject().Key("object").String("list").Key("data").BeginArray();
  for (std::size_t i = 0; i < request.texts.size(); ++i) {
    writer.BeginObject();
    writer.Key("object").String("embedding");
    writer.Key("index").Integer(static_cast<std::int64_t>(i));
    writer.Key("embedding");
    WriteVector(writer, reply.vectors.view().Part(i * stride, stride).RevealBytes(),
                request.base64);
    writer.EndObject();
  }
  writer.EndArray();
  writer.Key("model").String(request.model);
  writer.Key("usage").BeginObject();
  writer.Key("prompt_tokens").Integer(reply.tokens);
  writer.Key("total_tokens").Integer(reply.tokens);
  writer.EndObject().EndObject();
  return writer.Take();
}

}  // namespace

Result<EmbeddingsRequest> ParseEmbeddingsRequest(const json::Value& root) {
  Result<std::vector<std::string>> known = CheckFields(root, {kServed, kIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  EmbeddingsRequest request;
  request.ignored = std::move(*known);
  Result<std::string> model = ReadModel(root);
  if (!model) {
    return std::unexpected(model.error());
  }
  request.model = std::move(*model);

  Result<json::Value> input = root.Require("input");
  if (!input) {
    return std::unexpected(input.error());
  }
  const bool list = input->kind() == Kind::kArray;
  if (list && (input->size() == 0 || input->size() > kMaxEmbeddingInputs)) {
    return BadField(*input, "Invalid 'input': expected 1 to " +
                                std::to_string(kMaxEmbeddingInputs) + " texts, found " +
                                std::to_string(input->size()) + ".");
  }
  for (const json::Value& value : list ? input->Elements() : std::vector<json::Value>{*input}) {
    if (Result<void> added = AddInput(value, request); !added) {
      return std::unexpected(added.error());
    }
  }

  if (const std::optional<json::Value> format = root.GetSet("encoding_format")) {
    Result<std::string> name = format->AsName(32);
    if (!name) {
      return std::unexpected(name.error());
    }
    if (*name != "float" && *name != "base64") {
      return BadField(*format, "Invalid 'encoding_format': expected 'float' or 'base64', found '" +
                                   *name + "'.");
    }
    request.base64 = *name == "base64";
  }
  Result<std::optional<std::int64_t>> dimensions = ReadInteger(root, "dimensions", 1, 1 << 20);
  if (!dimensions) {
    return std::unexpected(dimensions.error());
  }
  request.dimensions = static_cast<std::uint32_t>(dimensions->value_or(0));
  return request;
}

Result<void> CreateEmbeddings(Exchange& exchange, const Ids&) {
  Result<json::Document> body = exchange.ParseBody();
  if (!body) {
    return std::unexpected(body.error());
  }
  Result<EmbeddingsRequest> request = ParseEmbeddingsRequest(body->root());
  if (!request) {
    return std::unexpected(request.error());
  }
  exchange.Ignore(request->ignored);
  Result<ModelAccess> model = AccessModel(exchange, request->model, "embedding");
  if (!model) {
    return std::unexpected(model.error());
  }
  inference::Embed embed;
  embed.refuse_long = true;  // a vector of half a text would pass for one of the whole
  for (const Plaintext& text : request->texts) {
    embed.texts.push_back(Plaintext::Copy(text.view()));
  }
  Result<inference::EmbedReply> reply = model->room->Embed(embed);
  if (!reply) {
    return About(reply.error(), reply.error().code == ErrorCode::kTooLarge ? "input" : "");
  }
  if (reply->vectors.size() != request->texts.size() * reply->dimensions * sizeof(float)) {
    return Fail(ErrorCode::kIntegrityFailure, "The model answered with vectors of a wrong size.");
  }
  if (request->dimensions != 0 && request->dimensions != reply->dimensions) {
    return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                                 .message = "Invalid 'dimensions': the model has " +
                                            std::to_string(reply->dimensions) + ", found " +
                                            std::to_string(request->dimensions) + ".",
                                 .param = "dimensions",
                                 .detail = {}});
  }
  return exchange.SendJson(Answer(*request, *reply));
}

}  // namespace casemate::api
