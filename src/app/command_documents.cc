#include "app/command_documents.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"

namespace casemate::app {
namespace {

constexpr std::size_t kMaxUploadBytes = std::size_t{512} * 1024 * 1024;

}  // namespace

Result<Plaintext> ReadDocument(const std::filesystem::path& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
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
