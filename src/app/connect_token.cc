#include "app/connect_token.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/file.h"
#include "secmem/plaintext.h"

namespace casemate::app {
namespace {

constexpr std::string_view kPrefix = "cc-";
constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kTokenLength = 3 + 52;  // prefix, base32

Result<crypto::Digest> MakeToken(const std::filesystem::path& path) {
  std::array<std::byte, kTokenBytes> random{};
  crypto::FillRandom(random);
  // The wiping allocator clears what std::string leaves behind.
  Plaintext token = Plaintext::Copy(kPrefix);
  token.Append(PlaintextView::Of(std::string_view(ToBase32(random))));
  Wipe(random);
  const crypto::Digest digest = crypto::Sha256(token.view().RevealBytes());
  token.AppendLiteral("\n");
  if (Result<void> written = WriteFileAtomically(path, token.view().RevealBytes(), 0600);
      !written) {
    return Wrap(written.error(), "the token file " + path.string());
  }
  return digest;
}

}  // namespace

Result<crypto::Digest> TokenDigest(const std::filesystem::path& path, bool renew) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (renew || (!file.valid() && errno == ENOENT)) {
    return MakeToken(path);
  }
  if (!file.valid()) {
    return FailErrno("the token file " + path.string());
  }
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) {
    return FailErrno("the token file " + path.string());
  }
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 077) != 0) {
    return Fail(ErrorCode::kPermissionDenied,
                "the token file " + path.string() +
                    " must be a regular file of yours that nobody else may read: chmod 600, or "
                    "--new-token to replace it");
  }
  Plaintext token = Plaintext::Zeroed(kTokenLength + 2);
  const ssize_t size = ::read(file.get(), token.mutable_bytes().data(), token.size());
  token.Truncate(size < 0 ? 0 : static_cast<std::size_t>(size));
  const std::string_view text = token.view().Reveal();
  const std::string_view line = text.substr(0, text.find('\n'));
  if (line.size() != kTokenLength || !line.starts_with(kPrefix) ||
      !FromBase32(line.substr(kPrefix.size()))) {
    return Fail(ErrorCode::kInvalidArgument,
                "the file " + path.string() +
                    " is not one that connect wrote a token to; name another, or --new-token to "
                    "replace it");
  }
  return crypto::Sha256(AsBytes(line));
}

}  // namespace casemate::app
