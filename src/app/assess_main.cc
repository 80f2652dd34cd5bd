#include "app/assess_setup.h"
#include "app/command_line.h"
#include "base/log.h"
#include "crypto/init.h"

// What `casemate assess` becomes: it reads files of others and holds nothing.
int main(int argc, char** argv) {
  casemate::InitLog("casemate", casemate::LogLevel::kWarning);
  if (casemate::Result<void> ready = casemate::crypto::InitCrypto(); !ready) {
    casemate::LogError("OpenSSL is not ready", ready.error());
    return 1;
  }
  casemate::app::CommandLine line;
  casemate::app::AddAssess(line, argc > 2 ? argv[2] : "");
  return line.Run(argc, argv);
}
