#include "config/reload.h"

#include <algorithm>
#include <array>

#include "config/setting.h"

namespace casemate::config {
namespace {

// Whatever is not here is bound to a socket, a token, a disk or a process that is there already.
constexpr std::array<std::string_view, 14> kReloadable = {"server.max_body_mib",
                                                          "server.max_connections",
                                                          "server.max_document_mib",
                                                          "server.drain_s",
                                                          "tls.minimum",
                                                          "tls.classical_from",
                                                          "tls.groups",
                                                          "tls.dns_names",
                                                          "tls.ip_addresses",
                                                          "custody.lease_ms",
                                                          "rooms.sequences",
                                                          "rooms.threads",
                                                          "log.level",
                                                          "log.format"};

}  // namespace

Reloaded Reload(const DeploymentConfig& loaded, DeploymentConfig& running) {
  Reloaded out;
  for (const Setting& setting : Settings()) {
    const Value wanted = setting.get(loaded);
    if (!setting.replaced_by.empty() || wanted == setting.get(running)) {
      continue;
    }
    std::string name = std::string(setting.section) + "." + std::string(setting.key);
    if (std::ranges::find(kReloadable, name) != kReloadable.end() &&
        setting.set(wanted, running).has_value()) {
      out.applied.push_back(std::move(name));
    } else {
      out.need_restart.push_back(std::move(name));
    }
  }
  return out;
}

}  // namespace casemate::config
