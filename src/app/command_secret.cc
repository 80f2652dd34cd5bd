#include "app/command_secret.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"

namespace casemate::app {
namespace {

constexpr std::size_t kMaxPassphrase = 4096;  // bytes

// The first line of `fd`, read byte by byte so that nothing behind it is taken.
Result<SecretBuffer> ReadLine(int fd, const std::string& noun, const std::string& what) {
  Result<SecretBuffer> buffer = SecretBuffer::Allocate(kMaxPassphrase + 1);
  if (!buffer) {
    return buffer;
  }
  std::span<std::byte> bytes = buffer->mutable_bytes();
  std::size_t size = 0;
  while (true) {
    const ssize_t got = ::read(fd, bytes.data() + size, 1);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return FailErrno("reading the " + noun + " from " + what);
    }
    if (got == 0 || bytes[size] == std::byte{'\n'}) {
      break;
    }
    if (++size > kMaxPassphrase) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the " + noun + " from " + what + " is over 4096 bytes");
    }
  }
  if (size == 0) {
    return Fail(ErrorCode::kInvalidArgument, "the " + noun + " from " + what + " is empty");
  }
  return SecretBuffer::TakeFrom(bytes.first(size));
}

// Switches the terminal's echo off while it lives.
class NoEcho {
 public:
  explicit NoEcho(int fd) : fd_(fd), changed_(::tcgetattr(fd, &before_) == 0) {
    if (changed_) {
      termios quiet = before_;
      quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
      changed_ = ::tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
    }
  }
  ~NoEcho() {
    if (changed_) {
      (void)::tcsetattr(fd_, TCSAFLUSH, &before_);
    }
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  bool quiet() const { return changed_; }

 private:
  int fd_;
  termios before_{};
  bool changed_;
};

Result<SecretBuffer> Prompt(int terminal, const std::string& noun, std::string_view question) {
  if (Result<void> asked = WriteAll(terminal, AsBytes(question)); !asked) {
    return std::unexpected(asked.error());
  }
  const NoEcho no_echo(terminal);
  if (!no_echo.quiet()) {
    return Fail(ErrorCode::kUnavailable, "the terminal's echo cannot be switched off");
  }
  Result<SecretBuffer> line = ReadLine(terminal, noun, "the terminal");
  (void)WriteAll(terminal, AsBytes("\n"));
  return line;
}

}  // namespace

Result<SecretBuffer> ReadPassphrase(const SecretSource& source, bool confirm) {
  if (!source.file.empty()) {
    UniqueFd file(::open(source.file.c_str(), O_RDONLY | O_CLOEXEC));
    return file.valid() ? ReadLine(file.get(), source.noun, source.file)
                        : FailErrno("opening " + source.file);
  }
  if (source.descriptor != 0) {
    return ReadLine(static_cast<int>(source.descriptor), source.noun,
                    "descriptor " + std::to_string(source.descriptor));
  }
  UniqueFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal.valid()) {
    return Fail(ErrorCode::kInvalidArgument, "no " + source.noun + ": expected " + source.option +
                                                 "-file F, " + source.option +
                                                 "-fd N, or a terminal");
  }
  Result<SecretBuffer> first = Prompt(terminal.get(), source.noun, "The " + source.noun + ": ");
  if (!first || !confirm) {
    return first;
  }
  Result<SecretBuffer> again = Prompt(terminal.get(), source.noun, "Again: ");
  if (!again) {
    return again;
  }
  if (!first->EqualsConstantTime(again->RevealBytes())) {
    return Fail(ErrorCode::kInvalidArgument, "the two differ");
  }
  return first;
}

Result<UniqueFd> SecretMemfd(const SecretBuffer& secret) {
  UniqueFd memfd(::memfd_create("casemate-secret", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memfd.valid()) {
    return FailErrno("memfd_create");
  }
  if (Result<void> written = WriteAll(memfd.get(), secret.RevealBytes()); !written) {
    return std::unexpected(written.error());
  }
  if (::lseek(memfd.get(), 0, SEEK_SET) != 0 ||
      ::fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) != 0) {
    return FailErrno("sealing a memfd");
  }
  return memfd;
}

Result<UniqueFd> SecretPipe(const SecretBuffer& secret) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return FailErrno("pipe2");
  }
  UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  // At most kMaxPassphrase bytes: a pipe takes them without a reader (pipe(7), PIPE_BUF).
  if (Result<void> written = WriteAll(writer.get(), secret.RevealBytes()); !written) {
    return std::unexpected(written.error());
  }
  return reader;
}

}  // namespace casemate::app
