#pragma once

#include <vector>

#include "assess/result.h"

namespace casemate::assess {

// The places where content is, in the order of the description: processors that see plaintext (or
// may), and stores.
std::vector<WindowPlace> WindowOf(const Pipeline& pipeline);

}  // namespace casemate::assess
