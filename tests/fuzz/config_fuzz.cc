// Any text is a configuration or a refusal; what is accepted is written and read back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/deployment_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<config::DeploymentConfig> config = config::ParseConfig(text, "config.toml");
  if (config) {
    const std::string written = config::FormatConfig(*config);
    const Result<config::DeploymentConfig> again = config::ParseConfig(written, "config.toml");
    if (!again || config::FormatConfig(*again) != written) {
      std::abort();
    }
  }
  return 0;
}
