#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/error.h"
#include "secmem/plaintext.h"

namespace casemate::retrieval {

inline constexpr std::size_t kMaxZipEntries = 20'000;
inline constexpr std::size_t kMaxUnpackedEntry = std::size_t{64} << 20;  // bytes, of one entry
inline constexpr std::size_t kMaxUnpacked = std::size_t{128} << 20;      // bytes, together
// Text packs 3 to 20 times; a bomb a thousand. Held against what a document unpacks over 16 MiB.
inline constexpr std::size_t kMaxRatio = 200;

// The names in a ZIP archive in memory, and what is in those that are asked for. Nothing is
// written anywhere; names are only compared. By libarchive.
// Errors: kInvalidArgument: broken, or encrypted; kTooLarge: a limit above ("a zip bomb").
[[nodiscard]] Result<std::set<std::string>> ListZip(PlaintextView archive);
// Entries that are not there are left out.
[[nodiscard]] Result<std::map<std::string, Plaintext>> ReadZip(PlaintextView archive,
                                                               const std::set<std::string>& names);

}  // namespace casemate::retrieval
