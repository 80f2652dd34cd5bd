#pragma once

#include <string>
#include <vector>

#include "assess/evidence/export.h"
#include "assess/pipeline.h"
#include "assess/result.h"

// Evidence against a description: what it settles, and where the two contradict each other.
namespace casemate::assess {

// An export, and the element that the user says it is about; empty: those that the catalogue's
// entries call so.
struct BoundExport {
  Export content;
  std::string element;
};

// A fact that no element of the description took.
struct UnusedFact {
  std::string file;
  std::string path;
  std::string text;  // "azure-engine.review is automated"
};

struct Applied {
  std::size_t stated = 0;                     // facts of the description that now rest on evidence
  std::vector<Contradiction> contradictions;  // without ids and moves
  std::vector<UnusedFact> unused;
};

// States each fact of the exports in `pipeline`, with the file and the path as its source. Facts of
// one file about one field together leave the union of what each leaves. Where evidence contradicts
// a claim without saying what is so, the fact becomes unknown.
//
// Errors: kNotFound: an element that the user named and the description does not have, or of a kind
// that the export says nothing of. kInvalidArgument: a value that the description cannot hold.
[[nodiscard]] Result<Applied> ApplyEvidence(Pipeline& pipeline,
                                            const std::vector<BoundExport>& exports);

}  // namespace casemate::assess
