#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

// What every command that is about a deployment says when it is not there, or does not run.
namespace casemate::app {

// Errors: kNotFound: there is no deployment at `folder`; says how to make one.
[[nodiscard]] Result<std::filesystem::path> FindDeployment(const std::string& folder);
Error NoServer(const std::filesystem::path& deployment);

}  // namespace casemate::app
