#include "app/command_labels.h"

#include <charconv>

#include "config/deployment_config.h"

namespace casemate::app {

Result<policy::LabelOrder> DeploymentLabels(const std::filesystem::path& deployment) {
  Result<config::DeploymentConfig> config = config::LoadConfig(deployment / "config.toml");
  if (!config) {
    return std::unexpected(config.error());
  }
  return policy::LabelOrder::Of(config->labels.order);
}

Result<std::int64_t> ParseExpiry(const std::string& text, std::int64_t now) {
  if (text.empty()) {
    return 0;
  }
  constexpr std::int64_t kMost = std::int64_t{3653} * 86'400;
  std::int64_t number = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [stop, failed] = std::from_chars(text.data(), end, number);
  std::int64_t unit = 0;
  switch (text.back()) {
    case 'd':
      unit = 86'400;
      break;
    case 'h':
      unit = 3'600;
      break;
    case 'm':
      unit = 60;
      break;
    case 's':
      unit = 1;
      break;
    default:
      break;
  }
  if (failed != std::errc() || stop != end || unit == 0 || number <= 0 || number > kMost / unit) {
    return Fail(ErrorCode::kInvalidArgument,
                "--expires: expected a time such as 90d, 12h, 30m or 45s, at most ten years");
  }
  return now + number * unit;
}

}  // namespace casemate::app
