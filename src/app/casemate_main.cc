#include "app/command_line.h"
#include "base/log.h"
#include "crypto/init.h"

// The command: `casemate COMMAND`. Each command has its file; docs/cli.md has them all.
int main(int argc, char** argv) {
  casemate::InitLog("casemate", casemate::LogLevel::kWarning);
  if (casemate::Result<void> ready = casemate::crypto::InitCrypto(); !ready) {
    casemate::LogError("OpenSSL is not ready", ready.error());
    return 1;
  }
  casemate::app::CommandLine line;
  casemate::app::AddInit(line);
  casemate::app::AddServe(line);
  casemate::app::AddConnect(line);
  casemate::app::AddIngest(line);
  casemate::app::AddAsk(line);
  casemate::app::AddModel(line);
  casemate::app::AddModelCheck(line);
  casemate::app::AddTenant(line);
  casemate::app::AddKey(line);
  casemate::app::AddPrincipal(line);
  casemate::app::AddGrant(line);
  casemate::app::AddCollection(line);
  casemate::app::AddFile(line);
  casemate::app::AddAudit(line);
  casemate::app::AddReceipt(line);
  casemate::app::AddBackup(line);
  casemate::app::AddRestore(line);
  casemate::app::AddDoctor(line);
  line.Forward("flows", "The key exchange of hops: probe, capture, live, plan", "casemate-flows");
  line.Forward("attest", "Judge attestation evidence", "casemate-attest");
  line.Forward("assess", "Who can read the plaintext of a pipeline, and what would change it",
               "casemate-assess");
  casemate::app::AddStatus(line);
  casemate::app::AddResidue(line);
  casemate::app::AddOperations(line);
  casemate::app::AddVersion(line);
  return line.Run(argc, argv);
}
