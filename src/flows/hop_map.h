#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flows/session.h"
#include "flows/verdict.h"

// A picture of who speaks to whom: boxes, and between them arrows coloured by verdict. SVG that
// stands in a page by itself: no script, nothing from elsewhere.
namespace casemate::flows {

struct HopArrow {
  std::string from;
  std::string to;
  std::string label;   // "hybrid-preferred, X25519MLKEM768"
  std::string colour;  // of VerdictColour
  // A recorded session stays closed: drawn whole; else broken, so that grey print tells too.
  bool closed = false;
};

// Boxes of `from` on the left, of `to` on the right, one arrow a row; arrows that share a box stand
// together. Text is escaped and cut to fit.
std::string DrawHopMap(std::vector<HopArrow> arrows);

// Colours that keep apart in grey and for the colour-blind, with the word always beside them.
std::string_view VerdictColour(Verdict verdict);
std::string_view VerdictColour(SessionVerdict verdict);

}  // namespace casemate::flows
