#pragma once

#include <string>
#include <vector>

#include "assess/register.h"

namespace casemate::assess {

// A party outside the EEA, or one of which that is not known, that runs a place with plaintext or
// stands behind who runs it.
struct ThirdCountry {
  enum class Role : unsigned char { kOperator, kParent, kAffiliate, kSubProcessor };
  std::string place;  // element
  std::size_t party = 0;
  std::string seat;  // "US", "unknown"
  Role role = Role::kOperator;
};

// Of places that see plaintext, in the order of the description. You yourself are none of them.
// Affiliates count where they can obtain it, sub-processors where they see plaintext, or may.
std::vector<ThirdCountry> ThirdCountries(const Pipeline& pipeline, const Assessment& assessment,
                                         const RegisterTable& table);

}  // namespace casemate::assess
