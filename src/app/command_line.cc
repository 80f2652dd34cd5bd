#include "app/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <utility>

#include "app/command_files.h"
#include "app/command_output.h"

namespace casemate::app {

struct CommandLine::State {
  CLI::App app{"Casemate: a self-hosted AI server that owns the plaintext window.", "casemate"};
  Action chosen;
};

// The last of several values counts, so that a script can put its own behind a default.
OptionList& OptionList::Text(const std::string& name, std::string& target,
                             const std::string& help) {
  app_.add_option(name, target, help)->take_last();
  return *this;
}

OptionList& OptionList::Choice(const std::string& name, std::string& target,
                               const std::string& help, const std::vector<std::string>& words) {
  app_.add_option(name, target, help)->take_last()->check(CLI::IsMember(words));
  return *this;
}

OptionList& OptionList::Required(const std::string& name, std::string& target,
                                 const std::string& help) {
  app_.add_option(name, target, help)->required()->take_last();
  return *this;
}

OptionList& OptionList::Many(const std::string& name, std::vector<std::string>& target,
                             const std::string& help, bool required) {
  app_.add_option(name, target, help)->required(required);
  return *this;
}

OptionList& OptionList::Repeated(const std::string& name, std::vector<std::string>& target,
                                 const std::string& help) {
  app_.add_option(name, target, help)->expected(1)->take_all()->allow_extra_args(false);
  return *this;
}

OptionList& OptionList::Number(const std::string& name, std::uint64_t& target,
                               const std::string& help, std::uint64_t least, std::uint64_t most) {
  app_.add_option(name, target, help)->take_last()->check(CLI::Range(least, most));
  return *this;
}

OptionList& OptionList::Flag(const std::string& name, bool& target, const std::string& help) {
  app_.add_flag(name, target, help);
  return *this;
}

namespace {

std::string_view GroupSummary(std::string_view group) {
  constexpr std::pair<std::string_view, std::string_view> kGroups[] = {
      {"model", "Models: add, list"},
      {"tenant", "Tenants: create, list"},
      {"key", "API keys: create, list, revoke"},
      {"collection", "Collections of documents: create, list"},
      {"file", "Documents: list, delete"},
      {"audit", "The audit log: show, verify, prove"},
      {"flows", "The key exchange of hops: probe, capture, live, plan"},
      {"assess", "Who can read the plaintext: explain, diff, catalogue, evidence, import, schema"}};
  for (const auto& [name, summary] : kGroups) {
    if (name == group) {
      return summary;
    }
  }
  return {};
}

}  // namespace

CommandLine::CommandLine() : state_(std::make_unique<State>()) {
  state_->app.require_subcommand(1);
  // An example is one line to copy.
  state_->app.get_formatter()->enable_footer_formatting(false);
  state_->app.footer(
      "Each command has its own --help with an example; docs/cli.md has exit codes and the shape "
      "of "
      "--json.\nExample:\n  casemate init --dir D --passphrase-file F --mirror M");
}

CommandLine::~CommandLine() = default;

OptionList CommandLine::Add(std::string_view words, const std::string& summary,
                            const std::string& example, Action action) {
  CLI::App* parent = &state_->app;
  if (const std::size_t space = words.find(' '); space != std::string_view::npos) {
    const std::string group(words.substr(0, space));
    words.remove_prefix(space + 1);
    CLI::App* found = parent->get_subcommand_no_throw(group);
    if (found == nullptr) {
      found = parent->add_subcommand(group, std::string(GroupSummary(group)));
      found->require_subcommand(1);
    }
    parent = found;
  }
  CLI::App* command = parent->add_subcommand(std::string(words), summary);
  command->footer("Example:\n  " + example);
  command->callback([this, action = std::move(action)] { state_->chosen = action; });
  return OptionList(*command);
}

namespace {

// Returns only when it fails.
Error Become(const std::string& executable, const std::string& name,
             const std::vector<std::string>& rest) {
  Result<std::filesystem::path> folder = ExecutableFolder();
  if (!folder) {
    return folder.error();
  }
  const std::filesystem::path program = *folder / executable;
  std::vector<std::string> words = {"casemate", name};
  words.insert(words.end(), rest.begin(), rest.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  return FailErrno("starting " + program.string()).error();
}

}  // namespace

void CommandLine::Forward(const std::string& name, const std::string& summary,
                          const std::string& executable) {
  CLI::App* command = state_->app.add_subcommand(name, summary);
  command->set_help_flag();  // the executable's own
  command->prefix_command();
  command->callback([this, command, name, executable] {
    state_->chosen = [rest = command->remaining(), name, executable]() -> Result<ExitStatus> {
      return std::unexpected(Become(executable, name, rest));
    };
  });
}

int CommandLine::Run(int argc, char** argv) {
  try {
    state_->app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked_for_help = error.get_exit_code() == 0;
    state_->app.exit(error);
    return static_cast<int>(asked_for_help ? ExitStatus::kOk : ExitStatus::kUsage);
  }
  Result<ExitStatus> ended = state_->chosen();
  if (!ended) {
    PrintError(ended.error());
    return static_cast<int>(StatusOf(ended.error().code));
  }
  return static_cast<int>(*ended);
}

}  // namespace casemate::app
