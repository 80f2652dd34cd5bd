#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/command_api.h"
#include "app/ingest_files.h"
#include "base/error.h"

// How `casemate ingest` brings files into a collection.
namespace casemate::app {

struct IngestTarget {
  std::string dir;
  std::string tenant;
  std::string collection_id;
  std::string label;           // empty: the server's default
  std::uint64_t parallel = 4;  // documents on their way at the same time
};

struct IngestedFile {
  FoundFile file;
  std::string outcome = "failed";  // "added", "replaced", "unchanged", "failed"; "" not begun
  std::string file_id;
  std::int64_t chunks = 0;
  std::optional<Error> error;
};

struct IngestSummary {
  std::size_t added = 0;
  std::size_t replaced = 0;
  std::size_t unchanged = 0;
  std::size_t failed = 0;
  std::size_t left = 0;  // not begun: interrupted
  std::int64_t chunks = 0;
};
IngestSummary Summarize(const std::vector<IngestedFile>& files);

// Asks, by names and digests, which files the collection has already, and uploads the rest, several
// at a time; progress goes to stderr. One file's error is its own. Where `stop` becomes true
// nothing more is begun; what was begun is finished, and is whole. Errors: kUnavailable: no server.
[[nodiscard]] Result<std::vector<IngestedFile>> IngestFiles(const IngestTarget& target,
                                                            std::vector<FoundFile> files,
                                                            const std::atomic<bool>& stop);

// Erases the collection's documents whose names are not in `files`. Returns their names, with the
// error of those that could not be erased. Errors: those of listing.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::optional<Error>>>> EraseMissing(
    const IngestTarget& target, const std::vector<FoundFile>& files, bool no_mirror);

}  // namespace casemate::app
