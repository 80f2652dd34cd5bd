#pragma once

#include <string>

#include "attestation/appraisal.h"
#include "attestation/context.h"
#include "json/reader.h"

namespace casemate::attestation::snp {

// `raw` is the report. The VCEK or VLEK is looked for in the context; AMD's intermediates are
// compiled in. Nothing is an error here: what does not hold is a failed step.
Appraisal Appraise(const std::string& source, ByteView raw, const Context& context);

// The report as fields (virtee/sev's JSON form, as trustee's evidence has it), put back into its
// bytes, and the certificates that stand beside it. Errors: kInvalidArgument: names the field.
struct FieldsForm {
  Bytes report;
  std::vector<crypto::X509Certificate> certificates;
};
[[nodiscard]] Result<FieldsForm> FromFields(const json::Value& root);

// The certificate table that a host hands to a guest: GHCB specification, "SNP Extended Guest
// Request". Errors: kInvalidArgument.
[[nodiscard]] Result<std::vector<crypto::X509Certificate>> ReadCertificateTable(ByteView table);

}  // namespace casemate::attestation::snp
