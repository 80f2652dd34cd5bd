#include "app/ingest_files.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <set>

#include "base/fd.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxUploadBytes = std::size_t{512} * 1024 * 1024;
constexpr std::string_view kEndings =
    ".pdf .docx .odt .epub .eml .csv .tsv .html .htm .xhtml .md .markdown .txt .rst";

bool HasReadEnding(const std::string& name) {
  std::string ending = fs::path(name).extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (ending.size() < 2) {
    return false;
  }
  const std::string endings = " " + std::string(kEndings) + " ";
  return endings.find(" " + ending + " ") != std::string::npos;
}

bool IsTaken(const FileChoice& choice, const std::string& name) {
  const bool included =
      choice.include.empty() ? HasReadEnding(name) : Matches(choice.include, name);
  return included && !Matches(choice.exclude, name);
}

// Reads a folder and those below. Links to folders that stand above themselves are met once.
class Folder {
 public:
  Folder(fs::path root, const FileChoice& choice, std::vector<FoundFile>& found)
      : root_(std::move(root)), choice_(choice), found_(found) {}

  void Read(const fs::path& folder) {
    std::error_code failed;
    const fs::path real = fs::canonical(folder, failed);
    if (failed || !seen_.insert(real.string()).second) {
      return;
    }
    for (fs::directory_iterator it(folder, failed), end; !failed && it != end;
         it.increment(failed)) {
      const std::string last = it->path().filename().string();
      std::error_code ignored;
      if (last.starts_with('.') || (it->is_symlink(ignored) && !choice_.follow_links)) {
        continue;
      }
      const std::string name = it->path().lexically_relative(root_).generic_string();
      if (it->is_directory(ignored)) {
        if (!Matches(choice_.exclude, name)) {
          Read(it->path());
        }
      } else if (it->is_regular_file(ignored) && IsTaken(choice_, name)) {
        found_.push_back({.path = it->path(), .name = name});
      }
    }
  }

 private:
  fs::path root_;
  const FileChoice& choice_;
  std::vector<FoundFile>& found_;
  std::set<std::string> seen_;
};

}  // namespace

std::string_view ReadEndings() { return kEndings; }

bool Matches(const std::vector<std::string>& globs, const std::string& name) {
  const std::string last = fs::path(name).filename().string();
  return std::ranges::any_of(globs, [&](const std::string& glob) {
    return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0 ||
           ::fnmatch(glob.c_str(), last.c_str(), 0) == 0;
  });
}

Result<std::vector<FoundFile>> FindFiles(const std::vector<std::string>& paths,
                                         const FileChoice& choice) {
  std::vector<FoundFile> found;
  for (const std::string& given : paths) {
    std::error_code failed;
    const fs::path path(given);
    if (fs::is_regular_file(path, failed)) {
      found.push_back({.path = path, .name = path.filename().string()});
    } else if (fs::is_directory(path, failed)) {
      Folder(path, choice, found).Read(path);
    } else {
      return Fail(ErrorCode::kNotFound, given + " is neither a file nor a folder");
    }
  }
  std::ranges::sort(found, {}, &FoundFile::name);
  return found;
}

Result<Plaintext> ReadWholeFile(const fs::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts{};
  if (!file.valid() || ::fstat(file.get(), &facts) != 0) {
    return FailErrno("opening " + path.string());
  }
  const auto size = static_cast<std::size_t>(facts.st_size);
  if (size > kMaxUploadBytes) {
    return Fail(ErrorCode::kTooLarge, "the file has " + std::to_string(size) + " bytes; at most " +
                                          std::to_string(kMaxUploadBytes) + " are uploaded");
  }
  Plaintext content = Plaintext::Zeroed(size);
  std::size_t used = 0;
  while (used < size) {
    const ssize_t got = ::read(file.get(), content.mutable_bytes().data() + used, size - used);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return FailErrno("reading " + path.string());
    }
    if (got == 0) {
      break;
    }
    used += static_cast<std::size_t>(got);
  }
  content.Truncate(used);
  return content;
}

}  // namespace casemate::app
