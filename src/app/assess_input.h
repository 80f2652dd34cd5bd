#pragma once

#include <string>
#include <vector>

#include "app/assess_live.h"
#include "app/assess_setup.h"
#include "app/exit_status.h"

// What `casemate assess` and `casemate assess explain` judge: descriptions, the reference, or the
// running deployment.
namespace casemate::app {

struct AssessInput {
  static constexpr std::size_t kMaxFiles = 8;  // descriptions side by side

  std::vector<std::string> files;
  bool reference = false;
  AssessOptionsText options;
  AssessLiveText live;
};

// Asks the deployment where there is --live, confines the process to reading what `input` and
// `reads` name and to writing beside `out`, reads and judges. Errors: kInvalidArgument: what was
// typed does not go together, or a file is not what it should be; those of files and of
// AskDeployment.
[[nodiscard]] Result<void> JudgeInput(const AssessInput& input, std::vector<std::string> reads,
                                      const std::string& out, AssessSetup& setup);

// What was typed or written cannot be meant: prints it, and is kUsage; other errors pass.
[[nodiscard]] Result<ExitStatus> EndedAssess(const Error& error);

// To `file`, or to standard output where it is empty or "-".
[[nodiscard]] Result<void> WriteReport(const std::string& file, const std::string& text);

}  // namespace casemate::app
