#pragma once

#include <chrono>
#include <string>

#include "base/fd.h"

namespace casemate::app {

// Tells the service manager how the server is: one datagram to the socket that $NOTIFY_SOCKET names
// (sd_notify(3), "Standalone Implementations"). Without one it does nothing. Threads: one at a
// time.
class ServiceNotifier {
 public:
  // Opens the socket and takes its variables out of the environment: no child is to speak for the
  // server. Call before the sandbox.
  static ServiceNotifier FromEnvironment();

  // "READY=1\nSTATUS=...": one assignment a line. A manager that does not listen is no error.
  void Tell(const std::string& state) const;
  // How often "WATCHDOG=1" is to be told: half of what the manager waits for; 0: never.
  std::chrono::milliseconds alive_every() const { return alive_every_; }

 private:
  UniqueFd socket_;
  std::chrono::milliseconds alive_every_{0};
};

}  // namespace casemate::app
