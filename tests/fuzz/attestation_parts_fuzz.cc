// The first byte chooses the parser of one structure, so that each is reached without its envelope.
#include <cstddef>
#include <cstdint>

#include "attestation/azure/envelope.h"
#include "attestation/cbor/value.h"
#include "attestation/cca/token.h"
#include "attestation/der.h"
#include "attestation/nvidia/report.h"
#include "attestation/snp/appraise.h"
#include "attestation/snp/report.h"
#include "attestation/tdx/quote.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace casemate;
  using namespace casemate::attestation;
  if (size == 0) {
    return 0;
  }
  const ByteView rest(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  switch (data[0] % 8) {
    case 0:
      (void)snp::ParseReport(rest);
      break;
    case 1:
      (void)tdx::ParseQuote(rest);
      break;
    case 2:
      (void)nvidia::ParseReport(rest);
      break;
    case 3:
      (void)cca::ParseToken(rest);
      break;
    case 4:
      if (Result<cbor::Value> value = cbor::Read(rest)) {
        (void)cca::ReadPlatformClaims(*value);
        if (Result<cca::RealmClaims> realm = cca::ReadRealmClaims(*value)) {
          (void)cca::ReadRealmKey(*realm);
        }
      }
      break;
    case 5:
      (void)azure::ParseEnvelope(rest);
      break;
    case 6:
      (void)snp::ReadCertificateTable(rest);
      break;
    default:
      if (const auto values = ReadDer(rest)) {
        for (const DerValue& value : *values) {
          (void)OidText(value.content);
          (void)DerUnsigned(value);
        }
      }
      break;
  }
  return 0;
}
