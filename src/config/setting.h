#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "config/deployment_config.h"

// The one table that reader and writer of config.toml share.
namespace casemate::config {

// A value as the file can hold it.
using Value = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

struct Setting {
  std::string_view section;
  std::string_view key;
  std::string_view comment;  // one or two lines, without "# "
  std::function<Value(const DeploymentConfig&)> get;
  // `value` has the type that `get` returns. Errors: kInvalidArgument: "expected ..., found ...".
  std::function<Result<void>(const Value& value, DeploymentConfig&)> set;
  // An older name that is still read and never written: the key that has taken its place.
  std::string_view replaced_by = {};
};

std::span<const Setting> Settings();

}  // namespace casemate::config
