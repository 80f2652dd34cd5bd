#pragma once

#include <span>
#include <string_view>

namespace casemate::attestation {

// What the build compiled in: the PEM files of data/attestation/roots, and the table of attacks.
std::span<const std::string_view> PinnedPemFiles();
std::string_view ShippedAttackTable();

}  // namespace casemate::attestation
