#include "api/sampling_request.h"

#include <charconv>
#include <limits>

namespace casemate::api {
namespace {

using Kind = json::Value::Kind;

constexpr std::size_t kMaxStops = 4;
constexpr std::size_t kMaxStopBytes = 256;
constexpr std::size_t kMaxBiases = 300;
constexpr std::int64_t kMaxTokensAsked = 1 << 24;
constexpr std::int64_t kMaxTopK = 1 << 20;
constexpr std::string_view kStreamServed[] = {"include_usage"};
constexpr std::string_view kStreamIgnored[] = {"include_obfuscation"};

Result<void> ReadFloat(const json::Value& root, std::string_view key, double least, double most,
                       float& target) {
  Result<std::optional<double>> number = ReadNumber(root, key, least, most);
  if (!number) {
    return std::unexpected(number.error());
  }
  if (*number) {
    target = static_cast<float>(**number);
  }
  return {};
}

Result<void> ReadNumbers(const json::Value& root, inference::Generate& generate) {
  struct Field {
    std::string_view key;
    double least;
    double most;
    float& target;
  };
  float top_p = generate.top_p;
  const Field fields[] = {{"temperature", 0, 2, generate.temperature},
                          {"top_p", 0, 1, top_p},
                          {"min_p", 0, 1, generate.min_p},
                          {"frequency_penalty", -2, 2, generate.frequency_penalty},
                          {"presence_penalty", -2, 2, generate.presence_penalty}};
  for (const Field& field : fields) {
    Result<void> read = ReadFloat(root, field.key, field.least, field.most, field.target);
    if (!read) {
      return read;
    }
  }
  if (top_p > 0) {
    generate.top_p = top_p;
  } else {
    generate.temperature = 0;  // the smallest nucleus is the likeliest token
  }
  return {};
}

Result<void> ReadWholes(const json::Value& root, inference::Generate& generate) {
  Result<std::optional<std::int64_t>> top_k = ReadInteger(root, "top_k", -1, kMaxTopK);
  if (!top_k) {
    return std::unexpected(top_k.error());
  }
  if (*top_k) {
    generate.top_k = static_cast<std::uint32_t>(std::max<std::int64_t>(**top_k, 0));  // -1: all
  }
  Result<std::optional<std::int64_t>> seed =
      ReadInteger(root, "seed", std::numeric_limits<std::int64_t>::min(),
                  std::numeric_limits<std::int64_t>::max());
  if (!seed) {
    return std::unexpected(seed.error());
  }
  if (*seed) {
    generate.has_seed = true;
    generate.seed = static_cast<std::uint64_t>(**seed);
  }
  return {};
}

Result<void> ReadBiases(const json::Value& root, inference::Generate& generate) {
  const std::optional<json::Value> biases = root.GetSet("logit_bias");
  if (!biases) {
    return {};
  }
  if (biases->kind() != Kind::kObject || biases->size() > kMaxBiases) {
    return BadField(*biases, "Invalid 'logit_bias': expected an object of at most " +
                                 std::to_string(kMaxBiases) + " token ids with a bias each.");
  }
  for (const json::Value::Member& member : biases->Members()) {
    inference::TokenBias bias;
    const char* end = member.key.data() + member.key.size();
    const std::from_chars_result read = std::from_chars(member.key.data(), end, bias.token);
    if (read.ec != std::errc() || read.ptr != end || bias.token < 0) {
      return BadField(*biases, "Invalid 'logit_bias': its names are token ids, such as \"1734\".");
    }
    if (Result<void> value = ReadFloat(*biases, member.key, -100, 100, bias.bias); !value) {
      return value;
    }
    generate.biases.push_back(bias);
  }
  return {};
}

Result<Plaintext> ReadStop(const json::Value& value) {
  Result<PlaintextView> text = value.AsString();
  if (!text) {
    return std::unexpected(text.error());
  }
  if (text->empty() || text->size() > kMaxStopBytes) {
    return BadField(value, "Invalid '" + value.path() + "': expected 1 to " +
                               std::to_string(kMaxStopBytes) + " bytes, found " +
                               std::to_string(text->size()) + ".");
  }
  return Plaintext::Copy(*text);
}

Result<void> ReadStops(const json::Value& root, inference::Generate& generate) {
  const std::optional<json::Value> value = root.GetSet("stop");
  if (!value) {
    return {};
  }
  if (value->kind() == Kind::kArray && value->size() > kMaxStops) {
    return BadField(*value, "Invalid 'stop': expected at most 4 strings, found " +
                                std::to_string(value->size()) + ".");
  }
  const std::vector<json::Value> stops =
      value->kind() == Kind::kArray ? value->Elements() : std::vector<json::Value>{*value};
  for (const json::Value& stop : stops) {
    Result<Plaintext> text = ReadStop(stop);
    if (!text) {
      return std::unexpected(text.error());
    }
    generate.stop.push_back(std::move(*text));
  }
  return {};
}

}  // namespace

Result<void> ReadSampling(const json::Value& root, inference::Generate& generate) {
  for (auto read : {ReadNumbers, ReadWholes, ReadBiases, ReadStops}) {
    if (Result<void> done = read(root, generate); !done) {
      return done;
    }
  }
  return {};
}

Result<void> ReadChoices(const json::Value& root, inference::Generate& generate) {
  Result<std::optional<std::int64_t>> choices = ReadInteger(root, "n", 1, inference::kMaxChoices);
  if (!choices) {
    return std::unexpected(choices.error());
  }
  generate.choices = static_cast<std::uint32_t>(choices->value_or(1));
  return {};
}

Result<void> ReadMaxTokens(const json::Value& root, std::initializer_list<std::string_view> names,
                           inference::Generate& generate) {
  for (std::string_view name : names) {
    Result<std::optional<std::int64_t>> most = ReadInteger(root, name, 1, kMaxTokensAsked);
    if (!most) {
      return std::unexpected(most.error());
    }
    if (*most) {
      generate.max_tokens = static_cast<std::uint32_t>(**most);
    }
  }
  return {};
}

Result<Streaming> ReadStreaming(const json::Value& root, std::vector<std::string>& ignored) {
  Streaming streaming;
  Result<bool> stream = ReadBool(root, "stream", false);
  if (!stream) {
    return std::unexpected(stream.error());
  }
  streaming.stream = *stream;
  const std::optional<json::Value> options = root.GetSet("stream_options");
  if (!options) {
    return streaming;
  }
  Result<std::vector<std::string>> known = CheckFields(*options, {kStreamServed, kStreamIgnored});
  if (!known) {
    return std::unexpected(known.error());
  }
  ignored.insert(ignored.end(), known->begin(), known->end());
  if (!streaming.stream) {
    return BadField(*options, "'stream_options' is allowed only with 'stream': true.");
  }
  Result<bool> usage = ReadBool(*options, "include_usage", false);
  if (!usage) {
    return std::unexpected(usage.error());
  }
  streaming.include_usage = *usage;
  return streaming;
}

}  // namespace casemate::api
