#include <csignal>

#include "app/command_line.h"
#include "base/log.h"
#include "crypto/init.h"

// What `casemate flows` becomes.
int main(int argc, char** argv) {
  // An endpoint that resets while OpenSSL writes to it must not end the probe of the others.
  std::signal(SIGPIPE, SIG_IGN);
  casemate::InitLog("casemate", casemate::LogLevel::kWarning);
  if (casemate::Result<void> ready = casemate::crypto::InitCrypto(); !ready) {
    casemate::LogError("OpenSSL is not ready", ready.error());
    return 1;
  }
  casemate::app::CommandLine line;
  casemate::app::AddFlows(line);
  casemate::app::AddFlowsCapture(line);
  casemate::app::AddFlowsLive(line);
  casemate::app::AddFlowsPlan(line);
  return line.Run(argc, argv);
}
