#include "app/deployment_folder.h"

namespace casemate::app {

namespace fs = std::filesystem;

Error NoServer(const fs::path& deployment) {
  return {.code = ErrorCode::kUnavailable,
          .message = "no server runs on " + deployment.string() +
                     "; start one: casemate serve --dir " + deployment.string() +
                     " --passphrase-file F --listen 127.0.0.1:8443",
          .param = {},
          .detail = {}};
}

Result<fs::path> FindDeployment(const std::string& folder) {
  std::error_code failed;
  fs::path path = fs::absolute(folder, failed).lexically_normal();
  if (failed || !fs::exists(path / "config.toml", failed)) {
    return Fail(ErrorCode::kNotFound, "there is no deployment at " + folder +
                                          " (no config.toml); make one: casemate init --dir " +
                                          folder + " --passphrase-file F");
  }
  return path;
}

}  // namespace casemate::app
