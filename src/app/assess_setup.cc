#include "app/assess_setup.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <format>
#include <iostream>
#include <iterator>

#include "assess/data.h"
#include "base/clock.h"
#include "base/file.h"
#include "sandbox/sandbox.h"
#include "secmem/harden.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxMemory = std::uint64_t{2} << 30;  // bytes
constexpr std::uint32_t kMaxCpuSeconds = 120;
constexpr std::size_t kMaxFileBytes = std::size_t{64} * 1024 * 1024;

std::string DayText(std::int64_t unix_seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  return std::format("{:%Y-%m-%d}", std::chrono::floor<std::chrono::days>(time));
}

std::string Today() { return DayText(static_cast<std::int64_t>(UnixSeconds())); }

Result<assess::NamedTexts> ReadFolder(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".yaml") {
      paths.push_back(entry.path().string());
    }
  }
  if (error) {
    return Fail(ErrorCode::kNotFound, folder + ": " + error.message());
  }
  std::ranges::sort(paths);
  assess::NamedTexts texts;
  for (const std::string& path : paths) {
    Result<std::string> text = ReadText(path);
    if (!text) {
      return std::unexpected(text.error());
    }
    texts.emplace_back(path, *std::move(text));
  }
  return texts;
}

assess::NamedTexts BuiltIn(std::string_view prefix) {
  assess::NamedTexts texts;
  for (const assess::DataFile& file : assess::DataFiles(prefix)) {
    texts.emplace_back(file.name, file.text);
  }
  return texts;
}

}  // namespace

Result<void> Confine(const std::vector<std::string>& reads, const std::string& out,
                     const std::string& more_out) {
  sandbox::Rules rules{.read_only = {},
                       .read_write = {},
                       .may_make_threads = false,
                       .max_memory_bytes = kMaxMemory,
                       .max_cpu_seconds = kMaxCpuSeconds,
                       .max_files = 16};
  std::error_code error;
  for (const std::string& path : reads) {
    if (!path.empty() && path != "-" && fs::exists(path, error)) {
      rules.read_only.emplace_back(path);
    }
  }
  for (const std::string& file : {out, more_out}) {
    const fs::path folder = fs::absolute(file, error).parent_path();
    if (!file.empty() && file != "-" && fs::is_directory(folder, error)) {
      rules.read_write.push_back(folder);
    }
  }
  if (Result<void> hardened = HardenProcess(/*die_with_parent=*/false); !hardened) {
    return hardened;
  }
  Result<sandbox::Applied> applied = sandbox::Enter(rules);
  return applied ? Result<void>() : std::unexpected(applied.error());
}

Result<std::string> ReadText(const std::string& file) {
  if (file == "-") {
    std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
    return text;
  }
  Result<Bytes> bytes = ReadFile(file, kMaxFileBytes);
  if (!bytes) {
    return Wrap(bytes.error(), file);
  }
  return std::string(AsText(*bytes));
}

void AssessOptionsText::AddTo(OptionList& options) {
  options.Text("--lang", language, "Language of the report: en or de")
      .Text("--label", label, "Count content of this label and above only")
      .Text("--accept", accept, "Accepted risks, each with an owner and an end")
      .Text("--rules", rules, "A folder of rules instead of the built-in ones")
      .Text("--legal", legal, "A file of legal facts instead of the built-in one")
      .Text("--catalogue", catalogue, "A folder of services instead of the built-in ones")
      .Repeated("--evidence", evidence,
                "[ELEMENT=]FILE: an export of the vendor's tools; what it shows goes before claims")
      .Text("--today", today, "Judge as of this day, YYYY-MM-DD");
}

std::vector<std::string> AssessOptionsText::Paths() const {
  std::vector<std::string> paths = {rules, legal, catalogue, accept};
  for (const std::string& word : evidence) {
    paths.push_back(ParseEvidenceWord(word).file);
  }
  return paths;
}

EvidenceWord ParseEvidenceWord(const std::string& word) {
  const std::size_t equals = word.find('=');
  const std::string before = word.substr(0, equals);
  return equals == std::string::npos || before.find('/') != std::string::npos
             ? EvidenceWord{.element = {}, .file = word}
             : EvidenceWord{.element = before, .file = word.substr(equals + 1)};
}

Result<assess::BoundExport> ReadEvidence(const std::string& word) {
  const EvidenceWord parsed = ParseEvidenceWord(word);
  Result<std::string> text = ReadText(parsed.file);
  if (!text) {
    return std::unexpected(text.error());
  }
  struct stat status{};
  const bool has_day = parsed.file != "-" && ::stat(parsed.file.c_str(), &status) == 0;
  const std::string day = has_day ? DayText(status.st_mtime) : Today();
  Result<assess::Export> content = assess::ReadExport(*text, parsed.file, day);
  if (!content) {
    return std::unexpected(content.error());
  }
  return assess::BoundExport{.content = *std::move(content), .element = parsed.element};
}

Result<void> AssessSetup::Load(const AssessOptionsText& options) {
  options_ = options;
  today_ = options.today.empty() ? Today() : options.today;
  if (!assess::IsDate(today_)) {
    return Fail(ErrorCode::kInvalidArgument,
                "--today: expected YYYY-MM-DD, found \"" + today_ + "\"");
  }
  Result<assess::Language> language = assess::Language::BuiltIn(options.language);
  if (!language) {
    return Wrap(language.error(), "--lang");
  }
  language_ = *std::move(language);
  assess::NamedTexts rules = BuiltIn("rules/");
  if (!options.rules.empty()) {
    Result<assess::NamedTexts> read = ReadFolder(options.rules);
    if (!read) {
      return Wrap(read.error(), "--rules");
    }
    rules = *std::move(read);
  }
  std::pair<std::string, std::string> legal = BuiltIn("legal.yaml").at(0);
  if (!options.legal.empty()) {
    Result<std::string> read = ReadText(options.legal);
    if (!read) {
      return Wrap(read.error(), "--legal");
    }
    legal = {options.legal, *std::move(read)};
  }
  Result<assess::RuleSet> set = assess::ReadRules(rules, legal);
  if (!set) {
    return std::unexpected(set.error());
  }
  rules_ = *std::move(set);
  Result<assess::Catalogue> catalogue = options.catalogue.empty()
                                            ? assess::Catalogue::BuiltIn()
                                            : assess::Catalogue::FromFolder(options.catalogue);
  if (!catalogue) {
    return std::unexpected(catalogue.error());
  }
  catalogue_ = *std::move(catalogue);
  for (const std::string& word : options.evidence) {
    Result<assess::BoundExport> evidence = ReadEvidence(word);
    if (!evidence) {
      return Wrap(evidence.error(), "--evidence");
    }
    evidence_.push_back(*std::move(evidence));
  }
  if (!options.accept.empty()) {
    Result<std::string> text = ReadText(options.accept);
    if (!text) {
      return Wrap(text.error(), "--accept");
    }
    Result<std::vector<assess::Acceptance>> accepted = assess::ReadAccepted(*text, options.accept);
    if (!accepted) {
      return std::unexpected(accepted.error());
    }
    accepted_ = *std::move(accepted);
  }
  return {};
}

Result<void> AssessSetup::Judge(const std::vector<std::string>& files, bool reference,
                                bool counterfactuals) {
  if (reference) {
    // The columns' order is that of the argument: at rest, in use, and who runs it.
    for (const char* name : {"at-rest-eu-keys", "confidential-computing", "eu-processor"}) {
      const std::string file = "examples/pipelines/" + std::string(name) + ".yaml";
      if (Result<void> added = Add(BuiltIn(file).at(0).second, file, true, counterfactuals);
          !added) {
        return added;
      }
    }
    return {};
  }
  for (const std::string& file : files) {
    Result<std::string> text = ReadText(file);
    if (!text) {
      return std::unexpected(text.error());
    }
    if (Result<void> added = Add(*text, file, false, counterfactuals); !added) {
      return added;
    }
  }
  return {};
}

Result<void> AssessSetup::Add(std::string_view text, const std::string& name, bool reference_only,
                              bool counterfactuals) {
  Result<assess::Pipeline> pipeline = assess::Pipeline::Parse(text, name, catalogue_);
  return pipeline ? JudgeOne(*std::move(pipeline), reference_only, counterfactuals)
                  : std::unexpected(pipeline.error());
}

Result<void> AssessSetup::JudgeOne(assess::Pipeline pipeline, bool reference_only,
                                   bool counterfactuals,
                                   std::vector<assess::Contradiction> contradictions) {
  Result<assess::Applied> applied = assess::ApplyEvidence(pipeline, evidence_);
  if (!applied) {
    return Wrap(applied.error(), "--evidence");
  }
  std::ranges::move(applied->contradictions, std::back_inserter(contradictions));
  std::ranges::move(applied->unused, std::back_inserter(unused_));
  assess::AssessOptions options{.today = today_,
                                .label = 0,
                                .counterfactuals = counterfactuals,
                                .reference_only = reference_only};
  if (!options_.label.empty()) {
    const std::optional<std::size_t> label = pipeline.FindLabel(options_.label);
    if (!label) {
      return Fail(ErrorCode::kInvalidArgument,
                  "--label: " + pipeline.name() + " has no label \"" + options_.label + "\"" +
                      assess::yaml::DidYouMean(
                          options_.label, {pipeline.labels().begin(), pipeline.labels().end()}));
    }
    options.label = *label;
  }
  assessments_.push_back(assess::Assess(pipeline, rules_, options));
  AddContradictions(assessments_.back(), pipeline, rules_, options, std::move(contradictions));
  pipelines_.push_back(std::move(pipeline));
  return {};
}

std::size_t AssessSetup::CountContradictions() const {
  std::size_t count = 0;
  for (const assess::Assessment& assessment : assessments_) {
    count += assessment.contradictions.size();
  }
  return count;
}

assess::Report AssessSetup::MakeReport() const {
  assess::Report report{.pipelines = {},
                        .assessments = {},
                        .rules = &rules_,
                        .language = &language_,
                        .accepted = &accepted_,
                        .version = CASEMATE_VERSION};
  for (const assess::Pipeline& pipeline : pipelines_) {
    report.pipelines.push_back(&pipeline);
  }
  for (const assess::Assessment& assessment : assessments_) {
    report.assessments.push_back(&assessment);
  }
  return report;
}

}  // namespace casemate::app
