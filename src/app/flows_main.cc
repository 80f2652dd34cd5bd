#include "app/command_line.h"
#include "base/log.h"
#include "crypto/init.h"

// What `casemate flows` becomes.
int main(int argc, char** argv) {
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
