#pragma once

#include <string>
#include <vector>

#include "app/assess_setup.h"
#include "assess/live/live.h"

// `casemate assess --live`: the deployment itself, by the same rules.
namespace casemate::app {

struct AssessLiveText {
  bool on = false;
  std::string dir;
  std::string operator_file;  // a pipeline file with `use: casemate-live`
  std::string emit;           // where to write the description
  void AddTo(OptionList& options);
  // Errors: kInvalidArgument: options that do not go together. `has_others`: files or --reference.
  [[nodiscard]] Result<void> Check(bool has_others) const;
};

struct LiveDeployment {
  assess::LiveFacts facts;
  std::vector<std::string> weaknesses;  // that casemate doctor sees
};

// Asks the running server over its operator's sockets, and reads config.toml and what the machine
// shows. Needs no key and sees no content. Call before Confine. Errors: kNotFound: no deployment;
// kUnavailable: no server; kPermissionDenied; those of config.toml.
[[nodiscard]] Result<LiveDeployment> AskDeployment(const std::string& dir);

// Describes, writes what --emit names, judges; where the operator's file contradicts a measurement
// is a finding. What `casemate doctor` sees is said on stderr. Errors: as MakeLive, and of the
// files.
[[nodiscard]] Result<void> JudgeLive(const AssessLiveText& options, const LiveDeployment& live,
                                     AssessSetup& setup);

}  // namespace casemate::app
