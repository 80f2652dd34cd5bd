#include "app/front_pages.h"

#include "ipc/supervision.h"
#include "metrics/exposition.h"

namespace casemate::app {
namespace {

constexpr std::chrono::seconds kSupervisorTime{5};

metrics::Gauge build_info("casemate_build_info", "1; the version of the front", {"version"});
metrics::Gauge missing("casemate_scrape_processes_missing",
                       "Processes that did not report to this scrape in time");

// Setting names are of the code: no escapes are needed.
std::string JsonList(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) {
    out += (out.size() > 1 ? ",\"" : "\"") + name + "\"";
  }
  return out + "]";
}

}  // namespace

std::optional<Result<net::OperatorPage>> FrontPages::Answer(std::string_view method,
                                                            std::string_view path,
                                                            std::string_view accept) {
  if (path == "/metrics" && (method == "GET" || method == "HEAD")) {
    return Metrics(accept);
  }
  if (path == "/casemate/v1/reload" && method == "POST") {
    return Reload();
  }
  return std::nullopt;
}

Result<net::OperatorPage> FrontPages::Metrics(std::string_view accept) {
  build_info.Set(1, {CASEMATE_VERSION});
  const std::lock_guard lock(mutex_);
  Result<metrics::Gathered> gathered =
      supervisor_.Call<metrics::Gathered>(metrics::Gather{}, kSupervisorTime);
  if (!gathered) {
    return std::unexpected(gathered.error());
  }
  missing.Set(gathered->missing);  // seen by the next scrape
  const metrics::Format format = metrics::FormatFor(accept);
  return net::OperatorPage{.content_type = std::string(metrics::ContentType(format)),
                           .body = metrics::Write(totals_.Add(*gathered), format)};
}

Result<net::OperatorPage> FrontPages::Reload() {
  Result<ipc::ReloadReply> reply =
      supervisor_.Call<ipc::ReloadReply>(ipc::Reload{}, kSupervisorTime);
  if (!reply) {
    return std::unexpected(reply.error());
  }
  return net::OperatorPage{.content_type = "application/json",
                           .body = "{\"applied\":" + JsonList(reply->applied) +
                                   ",\"need_restart\":" + JsonList(reply->need_restart) + "}"};
}

}  // namespace casemate::app
