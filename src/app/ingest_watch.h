#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace casemate::app {

// Tells when something changed below some folders (inotify(7)), after things have been quiet for a
// moment, so that a copy in progress is met once. Links are not followed; hidden folders are left
// out. Threads: one at a time.
class FolderWatch {
 public:
  // Errors: kResourceExhausted: more folders than fs.inotify.max_user_watches.
  [[nodiscard]] static Result<FolderWatch> Start(const std::vector<std::string>& folders);

  // True: something changed. False: `stop` became true, or `most` passed.
  [[nodiscard]] Result<bool> Wait(const std::atomic<bool>& stop, std::chrono::milliseconds most);

 private:
  FolderWatch(UniqueFd fd, std::vector<std::string> folders)
      : fd_(std::move(fd)), folders_(std::move(folders)) {}
  [[nodiscard]] Result<void> AddAll();
  // Takes what has come; false when it was nothing.
  bool Drain();

  UniqueFd fd_;
  std::vector<std::string> folders_;
};

}  // namespace casemate::app
