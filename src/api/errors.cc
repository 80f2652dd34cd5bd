#include "api/errors.h"

namespace casemate::api {
std::string_view OpenAiCode(const Error& error) {
  if (error.code == ErrorCode::kNotFound && error.param == "model") {
    return "model_not_found";
  }
  if (error.code == ErrorCode::kTooLarge && !error.param.empty()) {
    return "context_length_exceeded";
  }
  return ErrorCodeName(error.code);
}

std::unexpected<Error> About(Error error, std::string_view param) {
  if (error.param.empty()) {
    error.param = param;
  }
  return std::unexpected(std::move(error));
}

std::string RouteName(std::string_view path) {
  std::string name;
  while (!path.empty()) {
    const std::size_t slash = path.find('/', 1);
    const std::string_view part = path.substr(0, slash);
    const bool ours =
        part.size() <= 20 &&
        part.find_first_not_of("/abcdefghijklmnopqrstuvwxyz_1") == std::string_view::npos;
    name += ours ? std::string(part) : "/{id}";
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  }
  return name;
}

}  // namespace casemate::api
