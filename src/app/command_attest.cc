#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "app/command_line.h"
#include "app/command_output.h"
#include "attestation/evidence.h"
#include "attestation/roots.h"
#include "attestation/utc.h"
#include "base/clock.h"
#include "base/file.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"

// Judging attestation evidence. Reads every file first and then gives up the right to open any:
// what parses outside bytes has no file, no network and no other process.
namespace casemate::app {
namespace {

using attestation::AttackTable;
using attestation::Context;
using attestation::Role;

constexpr std::uint64_t kMaxMemory = std::uint64_t{2} << 30;  // bytes
constexpr std::uint32_t kMaxCpuSeconds = 120;

struct AttestCommand {
  std::vector<std::string> files;
  std::vector<std::string> chain;
  std::vector<std::string> collateral;
  std::vector<std::string> roots;
  std::string time;
  std::string nonce;
  std::string report_data;
  std::string attacks;
  bool require_covered = false;
  bool json = false;
  bool markdown = false;
};

struct InputFile {
  std::string name;
  Bytes content;
};
using Inputs = std::vector<InputFile>;

Result<Inputs> ReadAll(const std::vector<std::string>& paths) {
  Inputs inputs;
  for (const std::string& path : paths) {
    Result<Bytes> content = ReadFile(path, attestation::kMaxFileBytes);
    if (!content) {
      return Wrap(content.error(), path);
    }
    inputs.push_back({.name = path, .content = *std::move(content)});
  }
  return inputs;
}

Result<void> Confine() {
  if (Result<void> hardened = HardenProcess(/*die_with_parent=*/false); !hardened) {
    return hardened;
  }
  Result<sandbox::Applied> applied = sandbox::Enter({.may_make_threads = false,
                                                     .max_memory_bytes = kMaxMemory,
                                                     .max_cpu_seconds = kMaxCpuSeconds,
                                                     .max_files = 16});
  return applied ? Result<void>() : std::unexpected(applied.error());
}

Result<void> SetExpectations(const AttestCommand& command, Context& context) {
  context.time = UnixSeconds();
  if (!command.time.empty()) {
    Result<std::int64_t> time = attestation::ParseUtc(command.time);
    if (!time) {
      return Wrap(time.error(), "--time");
    }
    context.time = *time;
  }
  const std::pair<const char*, std::optional<Bytes>*> values[] = {
      {"--nonce", &context.nonce}, {"--report-data", &context.report_data}};
  for (const auto& [name, target] : values) {
    const std::string& text =
        std::string_view(name) == "--nonce" ? command.nonce : command.report_data;
    if (text.empty()) {
      continue;
    }
    Result<Bytes> bytes = FromHex(text);
    if (!bytes) {
      return Wrap(bytes.error(), name);
    }
    *target = *std::move(bytes);
  }
  return {};
}

Result<void> AddAll(Role role, Inputs inputs, Context& context) {
  for (InputFile& input : inputs) {
    if (Result<void> added =
            attestation::AddFile(role, input.name, std::move(input.content), context);
        !added) {
      return added;
    }
  }
  return {};
}

void Print(const AttestCommand& command, const std::vector<attestation::Appraisal>& appraisals) {
  if (command.json) {
    PrintJson(attestation::ToJson(appraisals));
    return;
  }
  const bool colour = ::isatty(STDOUT_FILENO) == 1;
  for (const attestation::Appraisal& appraisal : appraisals) {
    std::cout << (command.markdown ? ToMarkdown(appraisal) : ToText(appraisal, colour)) << '\n';
  }
  std::cout << std::flush;
}

ExitStatus StatusFor(const std::vector<attestation::Appraisal>& appraisals) {
  const auto is = [&](attestation::Verdict verdict) {
    return std::ranges::any_of(
        appraisals, [&](const attestation::Appraisal& a) { return a.verdict() == verdict; });
  };
  return is(attestation::Verdict::kRefused)      ? ExitStatus::kFailed
         : is(attestation::Verdict::kIncomplete) ? ExitStatus::kUnavailable
                                                 : ExitStatus::kOk;
}

ExitStatus Usage(const Error& error) {
  PrintError(error);
  return ExitStatus::kUsage;
}

Result<ExitStatus> RunAttest(const AttestCommand& command) {
  Context context;
  if (Result<void> set = SetExpectations(command, context); !set) {
    return Usage(set.error());
  }
  Result<Inputs> files = ReadAll(command.files);
  Result<Inputs> chain = ReadAll(command.chain);
  Result<Inputs> collateral = ReadAll(command.collateral);
  Result<Inputs> roots = ReadAll(command.roots);
  Result<Inputs> table = command.attacks.empty() ? Inputs() : ReadAll({command.attacks});
  for (const Result<Inputs>* read : {&files, &chain, &collateral, &roots, &table}) {
    if (!*read) {
      return std::unexpected(read->error());
    }
  }
  if (Result<void> confined = Confine(); !confined) {
    return Wrap(confined.error(), "entering the sandbox");
  }
  std::optional<AttackTable> attacks;
  if (!table->empty()) {
    Result<AttackTable> given =
        AttackTable::Read(PlaintextView::Of(AsText(table->front().content)));
    if (!given) {
      return Usage(Wrap(given.error(), command.attacks).error());
    }
    attacks = *std::move(given);
    context.attacks = &*attacks;
  }
  const std::pair<Role, Inputs*> beside[] = {
      {Role::kChain, &*chain}, {Role::kCollateral, &*collateral}, {Role::kRoot, &*roots}};
  for (const auto& [role, inputs] : beside) {
    if (Result<void> added = AddAll(role, std::move(*inputs), context); !added) {
      return Usage(added.error());
    }
  }
  attestation::ChainMemo chains;
  context.chains = &chains;
  std::vector<attestation::Appraisal> appraisals;
  for (const InputFile& file : *files) {
    std::ranges::move(attestation::AppraiseFile(file.name, file.content, context),
                      std::back_inserter(appraisals));
  }
  if (command.require_covered) {
    attestation::RequireCovered(appraisals);
  }
  Print(command, appraisals);
  return StatusFor(appraisals);
}

}  // namespace

void AddAttest(CommandLine& line) {
  auto command = std::make_shared<AttestCommand>();
  line.Add("attest",
           "Judge attestation evidence: is it genuine, who vouches for it, and what can it not "
           "show?\nEnds with 0: verified; 1: refused; 6: incomplete, something is missing; 2: "
           "usage.",
           "casemate attest report.bin --chain vcek.der --nonce 9f3c...\n"
           "  casemate attest quote.dat --collateral tcbInfo.json --collateral qeIdentity.json "
           "--collateral tcb_signing_chain.pem",
           [command] { return RunAttest(*command); })
      .Many("file", command->files,
            "SEV-SNP, TDX, SGX, NVIDIA or Arm CCA evidence: raw, hexadecimal text, JSON, or inside "
            "Azure's envelope",
            true)
      .Repeated("--chain", command->chain, "Certificates: VCEK or VLEK, a GPU's chain (PEM, DER)")
      .Repeated(
          "--collateral", command->collateral,
          "TCB info, QE identity, revocation lists, OCSP responses, their issuers' chain, NVIDIA's "
          "manifests")
      .Repeated(
          "--root", command->roots,
          "Trust this certificate, public key (JWK) or set of keys (JWKS) too; the appraisal says "
          "so")
      .Text("--time", command->time, "Judge dates at this time (UTC) instead of now")
      .Text("--nonce", command->nonce, "What the verifier asked with, in hexadecimal")
      .Text("--report-data", command->report_data, "The report data expected, in hexadecimal")
      .Text("--attacks", command->attacks,
            "Another table of known attacks (docs/formats/attacks.md)")
      .Flag("--require-covered", command->require_covered,
            "Refuse what leaves a known attack not covered")
      .Flag("--json", command->json, "One line of JSON (docs/formats/appraisal.md)")
      .Flag("--markdown", command->markdown, "Markdown, with everything in full");
}

}  // namespace casemate::app
