#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "secmem/plaintext.h"

// Which files of a disk `casemate ingest` reads.
namespace casemate::app {

struct FileChoice {
  std::vector<std::string> include;  // globs; none: the kinds that are read, by their ending
  std::vector<std::string> exclude;  // globs
  bool follow_links = false;
};

struct FoundFile {
  std::filesystem::path path;
  std::string name;  // as stored: the path below the folder that was given, else the file's name
};

// The endings of the kinds that are read, for help and errors.
std::string_view ReadEndings();

// Globs (glob(7); '*' crosses '/') are held against a name and against its last part.
bool Matches(const std::vector<std::string>& globs, const std::string& name);

// The files of `paths`, by name. A file that is named is taken whatever it is called; of a folder
// what `choice` takes, without hidden files and folders, and without links unless it follows them.
// A folder that cannot be read is left out. Errors: kNotFound: neither a file nor a folder.
[[nodiscard]] Result<std::vector<FoundFile>> FindFiles(const std::vector<std::string>& paths,
                                                       const FileChoice& choice);

// Errors: kTooLarge: over 512 MiB; kNotFound, kPermissionDenied.
[[nodiscard]] Result<Plaintext> ReadWholeFile(const std::filesystem::path& path);

}  // namespace casemate::app
