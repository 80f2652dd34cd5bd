#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "app/command_server.h"
#include "base/error.h"
#include "json/reader.h"
#include "secmem/plaintext.h"

// What several commands ask of the API.
namespace casemate::app {

// Errors: kNotFound: no deployment; kUnavailable: no server.
[[nodiscard]] Result<ApiClient> ConnectApi(const std::string& dir, const std::string& tenant);

// Members of answers; empty or 0 when absent or of another type. TextOf is for ids and states.
std::string TextOf(const json::Value& object, std::string_view key);
PlaintextView ContentOf(const json::Value& object, std::string_view key);
std::int64_t NumberOf(const json::Value& object, std::string_view key);

// Every item of a list, page after page. `target` has a query already.
[[nodiscard]] Result<void> ForEachItem(ApiClient& client, const std::string& target,
                                       const std::function<void(const json::Value&)>& visit);

// The id of the collection of that name. Errors: kNotFound.
[[nodiscard]] Result<std::string> FindCollection(ApiClient& client, const std::string& name);
// `label` empty: the server's default.
[[nodiscard]] Result<std::string> CreateCollection(ApiClient& client, const std::string& name,
                                                   const std::string& label);

}  // namespace casemate::app
