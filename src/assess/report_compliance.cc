#include "assess/report_compliance.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <format>

namespace casemate::assess {

namespace {

struct Format {
  std::string_view name;
  std::string (*render)(const Report& report, const RegisterTable& table);
};

constexpr std::array<Format, 9> kFormats = {{
    {"register", RenderRegisterCsv},
    {"register-md", RenderRegisterMarkdown},
    {"sarif", [](const Report& report, const RegisterTable&) { return RenderSarif(report); }},
    {"cbom", [](const Report& report, const RegisterTable&) { return RenderCbom(report, false); }},
    {"cbom17", [](const Report& report, const RegisterTable&) { return RenderCbom(report, true); }},
    {"oscal-ar", RenderOscalResults},
    {"oscal-poam", RenderOscalPoam},
    {"dpia", RenderDpia},
    {"tia", RenderTia},
}};

}  // namespace

std::vector<std::string_view> ComplianceFormats() {
  std::vector<std::string_view> names;
  names.reserve(kFormats.size());
  for (const Format& format : kFormats) {
    names.push_back(format.name);
  }
  return names;
}

std::optional<std::string> RenderCompliance(std::string_view format, const Report& report,
                                            const RegisterTable& table) {
  const auto* found = std::ranges::find(kFormats, format, &Format::name);
  return found == kFormats.end() ? std::nullopt : std::optional(found->render(report, table));
}

std::string HighestLabel(const Pipeline& pipeline, const Cell* cell) {
  std::size_t highest = 0;
  for (std::size_t i = 0; i < pipeline.elements().size(); ++i) {
    const Element& element = pipeline.element(i);
    const bool counts = cell == nullptr || cell->reached.empty() ||
                        std::ranges::find(cell->reached, element.id) != cell->reached.end();
    if (counts && FieldIndex(element.kind, "label")) {
      highest = std::max(highest, pipeline.LabelOf(i));
    }
  }
  return pipeline.labels()[highest];
}

std::string PartyName(const Pipeline& pipeline, std::size_t party) {
  const Fact& name = pipeline.fact(party, RequireField(Kind::kParty, "name"));
  return name.known ? name.text : pipeline.element(party).id;
}

std::string DayText(std::int64_t day) {
  return std::format("{:%Y-%m-%d}",
                     std::chrono::sys_days{std::chrono::days{static_cast<int>(day)}});
}

std::string Threats(const RegisterTable& table, std::string_view risk) {
  const RiskEntry* entry = table.Find(risk);
  return entry == nullptr ? std::string() : Joined(entry->threats, ", ");
}

std::string RefusalText(const Language& language, const RegisterRow& row) {
  if (row.refused.empty()) {
    return {};
  }
  std::vector<std::string> controls;
  controls.reserve(row.refused.size());
  for (const Filing* filing : row.refused) {
    controls.push_back(filing->control->title.In(language.code()) + " (" +
                       Joined(filing->elements, ", ") + ")");
  }
  const std::string& risk = row.adversary->title.In(language.code());
  const Filing& first = *row.refused.front();
  if (first.path.empty()) {
    return language.Fill("register.refused-stopped", {risk, Joined(controls, "; ")});
  }
  std::vector<std::string> sentences;
  sentences.reserve(first.path.size());
  for (const Rule* rule : first.path) {
    sentences.push_back(rule->sentence.In(language.code()) + " [" + rule->id + "]");
  }
  return language.Fill("register.refused-path", {risk, VerdictText(language, first.with),
                                                 Joined(controls, "; "), Joined(sentences, " ")});
}

// RFC 3986: what is no unreserved character or slash is written as %XX.
std::string UriOf(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~/";
  if (path == "-") {
    return "stdin";
  }
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        kPlain.find(c) != std::string_view::npos) {
      uri += c;
    } else {
      uri += '%';
      uri += kHex[byte >> 4U];
      uri += kHex[byte & 15U];
    }
  }
  return uri;
}

}  // namespace casemate::assess
