#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/error.h"
#include "base/fd.h"

// The weights that rooms map: one sealed memfd per digest.
namespace casemate::app {

class Models {
 public:
  explicit Models(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // A descriptor to read the sealed weights of `digest` from, of its own open description; an
  // invalid one: not loaded yet.
  [[nodiscard]] Result<UniqueFd> Open(const std::string& digest) const;

  struct Load {
    UniqueFd file;   // D/models/<digest>.gguf
    UniqueFd memfd;  // empty, to be filled by the loader
  };
  // Errors: kInvalidArgument: not a digest; kNotFound: no such file.
  [[nodiscard]] Result<Load> Begin(const std::string& digest);
  // The loader ended and said that it wrote `bytes` with that digest: seals and keeps. Errors:
  // kIntegrityFailure: another size; kUnavailable: it cannot be sealed.
  [[nodiscard]] Result<void> Finish(const std::string& digest, std::uint64_t bytes);
  void Abandon(const std::string& digest) { loading_.erase(digest); }

 private:
  std::filesystem::path folder_;
  std::map<std::string, UniqueFd> loading_;
  std::map<std::string, UniqueFd> sealed_;
};

// 64 lower-case hexadecimal digits: what a keeper says becomes a part of a path only then.
bool IsDigest(const std::string& text);

// A memfd of the deployment's one compute permit, and a room's own open description of it.
[[nodiscard]] Result<UniqueFd> MakePermit();
[[nodiscard]] Result<UniqueFd> Reopen(const UniqueFd& fd, int flags);

}  // namespace casemate::app
