#pragma once

#include <cstdint>

#include "base/id.h"

namespace casemate::storage {

struct BatchTag {
  static constexpr std::string_view kPrefix = "vsfb_";
};
using BatchId = Id<BatchTag>;

// Files that were added to one collection together. A note about attachments, no object: it holds
// nothing that is sealed, and its members leave it when they are erased.
struct BatchRow {
  BatchId id;
  CollectionId collection;
  std::int64_t created = 0;  // unix seconds
};

}  // namespace casemate::storage
