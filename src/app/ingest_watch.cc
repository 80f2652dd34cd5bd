#include "app/ingest_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "base/clock.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                                  IN_DONT_FOLLOW;
constexpr auto kQuiet = std::chrono::milliseconds(500);
constexpr auto kLongest = std::chrono::seconds(10);  // of a folder that is never quiet
constexpr int kLookMs = 200;                         // at `stop`

}  // namespace

Result<FolderWatch> FolderWatch::Start(const std::vector<std::string>& folders) {
  UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid()) {
    return FailErrno("watching folders (inotify_init)");
  }
  FolderWatch watch(std::move(fd), folders);
  if (Result<void> added = watch.AddAll(); !added) {
    return std::unexpected(added.error());
  }
  return watch;
}

// Adding a folder again changes nothing, so that new ones are met by adding all.
Result<void> FolderWatch::AddAll() {
  const auto add = [this](const fs::path& folder) -> Result<void> {
    if (::inotify_add_watch(fd_.get(), folder.c_str(), kEvents) < 0 && errno == ENOSPC) {
      return Fail(ErrorCode::kResourceExhausted,
                  "there are more folders than may be watched: raise fs.inotify.max_user_watches");
    }
    return {};  // another error: it is gone again
  };
  for (const std::string& root : folders_) {
    if (Result<void> added = add(root); !added) {
      return added;
    }
    std::error_code failed;
    fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied,
                                        failed);
    for (; !failed && it != fs::recursive_directory_iterator(); it.increment(failed)) {
      std::error_code ignored;
      if (!it->is_directory(ignored) || it->is_symlink(ignored)) {
        continue;
      }
      if (it->path().filename().string().starts_with('.')) {
        it.disable_recursion_pending();
        continue;
      }
      if (Result<void> added = add(it->path()); !added) {
        return added;
      }
    }
  }
  return {};
}

bool FolderWatch::Drain() {
  alignas(inotify_event) std::array<char, 16 * 1024> events{};
  bool any = false;
  while (::read(fd_.get(), events.data(), events.size()) > 0) {
    any = true;
  }
  return any;
}

Result<bool> FolderWatch::Wait(const std::atomic<bool>& stop, std::chrono::milliseconds most) {
  const BootClock::time_point give_up = BootClock::now() + most;
  BootClock::time_point first{};
  BootClock::time_point last{};
  bool changed = false;
  while (!stop) {
    pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    (void)::poll(&waiting, 1, kLookMs);
    const BootClock::time_point now = BootClock::now();
    if (Drain()) {
      first = changed ? first : now;
      last = now;
      changed = true;
    }
    if (changed && (now - last >= kQuiet || now - first >= kLongest)) {
      if (Result<void> added = AddAll(); !added) {
        return std::unexpected(added.error());
      }
      return true;
    }
    if (!changed && now >= give_up) {
      return false;
    }
  }
  return false;
}

}  // namespace casemate::app
