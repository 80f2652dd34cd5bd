// What stands beside evidence: certificates, revocation lists, collateral, keys, tables of attacks.
#include <cstddef>
#include <cstdint>

#include "attestation/cca/token.h"
#include "attestation/evidence.h"
#include "attestation/snp/vcek.h"
#include "attestation/tdx/collateral.h"
#include "attestation/tdx/pck.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  using namespace casemate::attestation;
  const ByteView all(reinterpret_cast<const std::byte*>(data), size);
  for (const Role role : {Role::kChain, Role::kCollateral, Role::kRoot}) {
    Context context;
    (void)AddFile(role, "f", Bytes(all.begin(), all.end()), context);
    for (const crypto::X509Certificate& certificate : context.certificates) {
      (void)snp::ReadVcek(certificate);
      (void)tdx::ReadPck(certificate);
    }
  }
  (void)tdx::ReadTcbInfo("f", AsText(all));
  (void)tdx::ReadEnclaveIdentity("f", AsText(all));
  (void)AttackTable::Read(PlaintextView::Of(AsText(all)));
  return 0;
}
