#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/exit_status.h"
#include "base/error.h"

namespace CLI {
class App;
}

namespace casemate::app {

using Action = std::function<Result<ExitStatus>()>;

// The options of one command. Targets keep their value when an option is not given and must outlive
// the parse; a command keeps them in what its Action owns.
class OptionList {
 public:
  explicit OptionList(CLI::App& app) : app_(app) {}
  // `name` as "--dir", or "file" for a positional one.
  OptionList& Text(const std::string& name, std::string& target, const std::string& help);
  OptionList& Required(const std::string& name, std::string& target, const std::string& help);
  OptionList& Many(const std::string& name, std::vector<std::string>& target,
                   const std::string& help, bool required = false);
  // One value each time that the option is given.
  OptionList& Repeated(const std::string& name, std::vector<std::string>& target,
                       const std::string& help);
  OptionList& Number(const std::string& name, std::uint64_t& target, const std::string& help,
                     std::uint64_t least, std::uint64_t most);
  OptionList& Flag(const std::string& name, bool& target, const std::string& help);
  // Another word than these is a usage error.
  OptionList& Choice(const std::string& name, std::string& target, const std::string& help,
                     const std::vector<std::string>& words);

 private:
  CLI::App& app_;
};

// The commands that there are, and the one that was asked for.
class CommandLine {
 public:
  CommandLine();
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // `words` is the command as typed ("key create"); `example` stands at the end of its help.
  OptionList Add(std::string_view words, const std::string& summary, const std::string& example,
                 Action action);
  // A command that is an executable of its own beside this one, as git has them: it gets every word
  // that was typed, `name` included, and this process becomes it.
  void Forward(const std::string& name, const std::string& summary, const std::string& executable);
  // Parses and runs; prints help, or an error to stderr. Returns the exit status.
  int Run(int argc, char** argv);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Each file command_*.cc adds its own.
void AddInit(CommandLine& line);
void AddServe(CommandLine& line);
void AddIngest(CommandLine& line);
void AddAsk(CommandLine& line);
void AddModel(CommandLine& line);
void AddModelCheck(CommandLine& line);
void AddTenant(CommandLine& line);
void AddKey(CommandLine& line);
void AddPrincipal(CommandLine& line);
void AddGrant(CommandLine& line);
void AddCollection(CommandLine& line);
void AddConnect(CommandLine& line);
void AddFile(CommandLine& line);
void AddAudit(CommandLine& line);
void AddReceipt(CommandLine& line);
void AddBackup(CommandLine& line);
void AddRestore(CommandLine& line);
void AddDoctor(CommandLine& line);
// Of casemate-flows, which `casemate flows` becomes.
void AddFlows(CommandLine& line);
void AddFlowsCapture(CommandLine& line);
void AddAttest(CommandLine& line);  // of casemate-attest, which `casemate attest` becomes
void AddFlowsLive(CommandLine& line);
void AddFlowsPlan(CommandLine& line);
void AddStatus(CommandLine& line);
void AddResidue(CommandLine& line);
void AddOperations(CommandLine& line);
void AddVersion(CommandLine& line);

}  // namespace casemate::app
