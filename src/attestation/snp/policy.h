#pragma once

#include "attestation/appraisal.h"
#include "attestation/attacks.h"
#include "attestation/snp/report.h"

namespace casemate::attestation::snp {

// What the guest was started under and what the platform says of itself, bit by bit; the step
// "debug", and the facts that attacks are judged by.
void CheckPolicy(const Report& report, Appraisal& appraisal, AttackFacts& facts);

// The four TCB versions and the firmware's. Attacks are judged by the lowest that the chip could be
// rolled back to, or that the guest was started under.
void AddTcb(const Report& report, Appraisal& appraisal, AttackFacts& facts);

}  // namespace casemate::attestation::snp
