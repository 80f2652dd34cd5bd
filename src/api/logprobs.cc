#include "api/logprobs.h"

#include <algorithm>
#include <string>

namespace casemate::api {
namespace {

// The log of a probability that is zero in 32 bits: what OpenAI writes for it.
constexpr double kLeast = -9999.0;

double Shown(float logprob) { return std::max(static_cast<double>(logprob), kLeast); }

void WriteBytes(json::Writer& writer, PlaintextView text) {
  writer.Key("bytes").BeginArray();
  for (const std::byte byte : text.RevealBytes()) {
    writer.Integer(std::to_integer<std::int64_t>(byte));
  }
  writer.EndArray();
}

void WriteToken(json::Writer& writer, PlaintextView text, float logprob, bool bytes) {
  writer.Key("token").Content(text);
  writer.Key("logprob").Number(Shown(logprob));
  if (bytes) {
    WriteBytes(writer, text);
  }
}

void WriteTokens(json::Writer& writer, const Logprobs& logprobs, bool bytes) {
  writer.BeginArray();
  for (const inference::TokenLogprob& token : logprobs) {
    writer.BeginObject();
    WriteToken(writer, token.text, token.logprob, bytes);
    writer.Key("top_logprobs").BeginArray();
    for (const inference::TopLogprob& top : token.top) {
      writer.BeginObject();
      WriteToken(writer, top.text, top.logprob, bytes);
      writer.EndObject();
    }
    writer.EndArray().EndObject();
  }
  writer.EndArray();
}

bool IsWhole(PlaintextView text) {
  const std::string_view bytes = text.Reveal();
  for (std::size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead >= 0x80 && lead < 0xc2) {
      return false;
    }
    for (std::size_t k = 1; k < size; ++k) {
      if (i + k >= bytes.size() || (static_cast<unsigned char>(bytes[i + k]) & 0xc0) != 0x80) {
        return false;
      }
    }
    i += size;
  }
  return true;
}

// As OpenAI's: "bytes:\xe2\x80" for a piece of a character.
Plaintext LegacyToken(PlaintextView text) {
  if (IsWhole(text)) {
    return Plaintext::Copy(text);
  }
  static constexpr std::string_view kDigits = "0123456789abcdef";
  Plaintext out;
  out.AppendLiteral("bytes:");
  for (const std::byte byte : text.RevealBytes()) {
    const auto value = std::to_integer<unsigned>(byte);
    const char code[] = {'\\', 'x', kDigits[value >> 4], kDigits[value & 15]};
    out.Append(PlaintextView::Of(std::string_view(code, sizeof code)));
  }
  return out;
}

std::size_t Characters(PlaintextView text) {
  const std::string_view bytes = text.Reveal();
  return static_cast<std::size_t>(std::count_if(bytes.begin(), bytes.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// An object of token and number; a token that the object has already is left out.
void WriteTop(json::Writer& writer, const inference::TokenLogprob& token) {
  std::vector<Plaintext> names;
  writer.BeginObject();
  for (const inference::TopLogprob& top : token.top) {
    Plaintext name = LegacyToken(top.text);
    const bool again = std::any_of(names.begin(), names.end(), [&](const Plaintext& other) {
      return other.view().Reveal() == name.view().Reveal();
    });
    if (!again) {
      writer.Key(name.view().Reveal()).Number(Shown(top.logprob));
      names.push_back(std::move(name));
    }
  }
  writer.EndObject();
}

}  // namespace

void WriteChatLogprobs(json::Writer& writer, const Logprobs& logprobs) {
  writer.BeginObject().Key("content");
  WriteTokens(writer, logprobs, true);
  writer.Key("refusal").Null().EndObject();
}

void WriteResponseLogprobs(json::Writer& writer, const Logprobs& logprobs, bool bytes) {
  WriteTokens(writer, logprobs, bytes);
}

void WriteLegacyLogprobs(json::Writer& writer, const Logprobs& logprobs, std::size_t& offset) {
  writer.BeginObject().Key("tokens").BeginArray();
  for (const inference::TokenLogprob& token : logprobs) {
    writer.Content(LegacyToken(token.text));
  }
  writer.EndArray().Key("token_logprobs").BeginArray();
  for (const inference::TokenLogprob& token : logprobs) {
    writer.Number(Shown(token.logprob));
  }
  writer.EndArray().Key("top_logprobs").BeginArray();
  for (const inference::TokenLogprob& token : logprobs) {
    WriteTop(writer, token);
  }
  writer.EndArray().Key("text_offset").BeginArray();
  for (const inference::TokenLogprob& token : logprobs) {
    writer.Integer(static_cast<std::int64_t>(offset));
    offset += Characters(token.text);
  }
  writer.EndArray().EndObject();
}

}  // namespace casemate::api
