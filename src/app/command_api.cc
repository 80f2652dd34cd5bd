#include "app/command_api.h"

#include "json/writer.h"

namespace casemate::app {

Result<ApiClient> ConnectApi(const std::string& dir, const std::string& tenant) {
  Result<std::filesystem::path> deployment = FindDeployment(dir);
  if (!deployment) {
    return std::unexpected(deployment.error());
  }
  return ApiClient::Connect(*deployment, tenant);
}

PlaintextView ContentOf(const json::Value& object, std::string_view key) {
  const std::optional<json::Value> value = object.GetSet(key);
  if (!value) {
    return {};
  }
  return value->AsString().value_or(PlaintextView());
}

std::string TextOf(const json::Value& object, std::string_view key) {
  const std::optional<json::Value> value = object.GetSet(key);
  return value ? value->AsName().value_or(std::string()) : std::string();
}

std::int64_t NumberOf(const json::Value& object, std::string_view key) {
  const std::optional<json::Value> value = object.GetSet(key);
  return value ? value->AsInteger().value_or(0) : 0;
}

Result<void> ForEachItem(ApiClient& client, const std::string& target,
                         const std::function<void(const json::Value&)>& visit) {
  std::string after;
  while (true) {
    std::string place = target;
    if (!after.empty()) {
      place.append("&after=").append(after);
    }
    Result<ApiClient::Answer> page = client.Call("GET", place);
    if (!page) {
      return std::unexpected(page.error());
    }
    const json::Value root = page->body.root();
    Result<json::Value> data = root.Require("data");
    if (!data) {
      return Wrap(data.error(), "the server's answer");
    }
    for (const json::Value& item : data->Elements()) {
      visit(item);
      after = TextOf(item, "id");
    }
    const std::optional<json::Value> more = root.Get("has_more");
    if (!more || !more->AsBool().value_or(false) || data->size() == 0) {
      return {};
    }
  }
}

Result<std::string> FindCollection(ApiClient& client, const std::string& name) {
  const Plaintext encoded = EncodeQuery(PlaintextView::Of(name));
  Result<ApiClient::Answer> found =
      client.Call("GET", "/casemate/v1/collections?name=" + std::string(encoded.view().Reveal()));
  if (found) {
    return TextOf(found->body.root(), "id");
  }
  if (found.error().code == ErrorCode::kNotFound && found.error().param == "name") {
    return Fail(ErrorCode::kNotFound, "there is no collection '" + name +
                                          "'; 'casemate collection list' shows those there are");
  }
  return std::unexpected(found.error());
}

Result<std::string> CreateCollection(ApiClient& client, const std::string& name,
                                     const std::string& label) {
  json::Writer writer;
  writer.BeginObject().Key("name").String(name).EndObject();
  std::vector<net::Header> headers;
  if (!label.empty()) {
    headers.push_back({"x-casemate-label", label});
  }
  Result<ApiClient::Answer> made = client.Call("POST", "/v1/vector_stores", writer.Take(),
                                               "application/json", std::move(headers));
  return made ? Result<std::string>(TextOf(made->body.root(), "id"))
              : std::unexpected(made.error());
}

}  // namespace casemate::app
