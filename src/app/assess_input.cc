#include "app/assess_input.h"

#include <iostream>

#include "app/command_output.h"
#include "base/file.h"

namespace casemate::app {

Result<void> JudgeInput(const AssessInput& input, std::vector<std::string> reads,
                        const std::string& out, AssessSetup& setup) {
  if (Result<void> checked = input.live.Check(input.reference || !input.files.empty()); !checked) {
    return checked;
  }
  if (input.files.size() > AssessInput::kMaxFiles) {
    return Fail(ErrorCode::kInvalidArgument, "at most 8 descriptions side by side");
  }
  Result<LiveDeployment> live = LiveDeployment{};
  if (input.live.on) {  // while there are sockets
    live = AskDeployment(input.live.dir);
    if (!live) {
      return std::unexpected(live.error());
    }
  }
  for (const std::vector<std::string>& more : {input.options.Paths(), input.files}) {
    reads.insert(reads.end(), more.begin(), more.end());
  }
  reads.push_back(input.live.operator_file);
  if (Result<void> confined = Confine(reads, out, input.live.emit); !confined) {
    return confined;
  }
  if (Result<void> loaded = setup.Load(input.options); !loaded) {
    return loaded;
  }
  return input.live.on ? JudgeLive(input.live, *live, setup)
                       : setup.Judge(input.files, input.reference, true);
}

Result<ExitStatus> EndedAssess(const Error& error) {
  if (error.code != ErrorCode::kInvalidArgument && error.code != ErrorCode::kTooLarge) {
    return std::unexpected(error);
  }
  PrintError(error);
  return ExitStatus::kUsage;
}

Result<void> WriteReport(const std::string& file, const std::string& text) {
  if (file.empty() || file == "-") {
    std::cout << text << std::flush;
    return {};
  }
  Result<void> written = WriteFileAtomically(file, AsBytes(text), 0644);
  return written ? Result<void>{} : Wrap(written.error(), file);
}

}  // namespace casemate::app
