#include "attestation/revocation.h"

#include "base/clock.h"

namespace casemate::attestation {
namespace {

// What is known of one certificate. A failure of any source wins; a source that has run out fails
// unless another one holds.
struct Known {
  std::string failure;
  std::string stale;
  bool good = false;
};

void NoteTime(const std::string& what, std::int64_t from, std::int64_t until, std::int64_t time,
              Known& known) {
  if (time >= from && (until == 0 || time <= until)) {
    known.good = true;
    return;
  }
  known.stale = what + " holds from " + FormatUtc(from) +
                (until == 0 ? "" : " to " + FormatUtc(until)) + ": get the current one";
}

Known Judge(const crypto::X509Certificate& certificate, const crypto::X509Certificate& issuer,
            const Context& context) {
  using Status = crypto::OcspResponse::Status;
  Known known;
  for (const crypto::RevocationList& list : context.revocation_lists) {
    if (!list.SignedBy(issuer)) {
      continue;
    }
    if (list.Revokes(certificate)) {
      known.failure = "\"" + certificate.common_name() + "\" was revoked by " + list.issuer();
      return known;
    }
    NoteTime("the revocation list of " + list.issuer(), list.this_update(), list.next_update(),
             context.time, known);
  }
  for (const crypto::OcspResponse& response : context.ocsp_responses) {
    const auto answer = response.About(certificate, issuer, context.time);
    if (!answer) {
      continue;
    }
    if (answer->status != Status::kGood) {
      known.failure = "\"" + certificate.common_name() + "\" " +
                      (answer->status == Status::kRevoked ? "was revoked" : "is not known") +
                      ", says the OCSP responder of " + issuer.common_name();
      return known;
    }
    NoteTime("the OCSP answer of " + issuer.common_name() + "'s responder", answer->this_update,
             answer->next_update, context.time, known);
  }
  return known;
}

}  // namespace

void CheckRevocation(std::span<const crypto::X509Certificate> chain, const Context& context,
                     const std::string& step, Appraisal& appraisal) {
  const std::size_t links = chain.size() - 1;
  std::size_t checked = 0;
  std::string stale;
  for (std::size_t i = 0; i < links; ++i) {
    const Known known = Judge(chain[i], chain[i + 1], context);
    if (!known.failure.empty()) {
      appraisal.Refuse(step, known.failure);
      return;
    }
    checked += known.good ? 1 : 0;
    if (!known.good && !known.stale.empty()) {
      stale = known.stale;
    }
  }
  const std::string of = std::to_string(checked) + " of " + std::to_string(links);
  if (!stale.empty()) {
    appraisal.Refuse(step, stale);
  } else if (checked == links) {
    appraisal.Pass(step,
                   "none of " + std::to_string(links) +
                       " certificates is revoked, by lists or answers of their issuers",
                   false);
  } else {
    appraisal.Skip(step,
                   "revocation not checked: lists or OCSP answers for " + of +
                       " certificates were given (--collateral); whether the others were revoked "
                       "is not known",
                   false);
  }
}

}  // namespace casemate::attestation
