#include <algorithm>
#include <optional>
#include <set>

#include "assess/control_reader.h"
#include "assess/data.h"
#include "assess/pipeline_reader.h"
#include "assess/register.h"

namespace casemate::assess {
namespace {

using yaml::Entry;
using yaml::FailAt;
using yaml::Node;

class TableReader {
 public:
  TableReader(const RuleSet& rules, RegisterTable& table) : rules_(rules), table_(table) {}

  Result<void> Read(const Node& root) {
    const Node* what = root.Get("casemate");
    if (what == nullptr || what->text != "register") {
      return FailAt(root.mark, "expected \"casemate: register\" on the first line");
    }
    if (Result<void> names =
            OnlyNames(root,
                      {"casemate", "date", "likelihood", "impact", "levels", "matrix", "impact_of",
                       "likelihood_of", "risks", "eea", "exit", "controls"},
                      "a table of the register");
        !names) {
      return names;
    }
    Result<std::string> date = RequiredText(root, "date");
    if (!date || !IsDate(*date)) {
      return FailAt(root.mark, "date: expected YYYY-MM-DD");
    }
    table_.date = *std::move(date);
    for (Result<void> (TableReader::*part)(const Node&) :
         {&TableReader::ReadScales, &TableReader::ReadMatrix, &TableReader::ReadRisks,
          &TableReader::ReadControls}) {
      if (Result<void> read = (this->*part)(root); !read) {
        return read;
      }
    }
    return {};
  }

 private:
  static Result<const Node*> Required(const Node& root, std::string_view name, Node::Kind kind) {
    const Node* node = root.Get(name);
    if (node == nullptr || node->kind != kind) {
      return FailAt(node == nullptr ? root.mark : node->mark,
                    std::string(name) + ": expected " +
                        (kind == Node::Kind::kMapping ? "a mapping" : "a list"));
    }
    return node;
  }

  Result<void> ReadScales(const Node& root) {
    for (const auto& [name, scale] :
         {std::pair{"likelihood", &table_.likelihood}, std::pair{"impact", &table_.impact},
          std::pair{"levels", &table_.levels}}) {
      Result<const Node*> list = Required(root, name, Node::Kind::kSequence);
      if (!list) {
        return std::unexpected(list.error());
      }
      for (const Node& item : (*list)->items) {
        Result<std::string> id = RequiredText(item, "id");
        Result<Texts> title = id ? TextsOf(item) : std::unexpected(id.error());
        if (!title) {
          return std::unexpected(title.error());
        }
        if (std::ranges::find(*scale, *id, &ScaleClass::id) != scale->end()) {
          return FailAt(item.mark, "\"" + *id + "\" is there twice");
        }
        scale->push_back({.id = *std::move(id), .title = *std::move(title)});
      }
      if (scale->empty()) {
        return FailAt((*list)->mark, std::string(name) + ": expected at least one class");
      }
    }
    return {};
  }

  static Result<std::size_t> ClassOf(const std::vector<ScaleClass>& scale, const Node& node) {
    const auto found = std::ranges::find(scale, node.text, &ScaleClass::id);
    if (!node.is_scalar() || found == scale.end()) {
      std::vector<std::string_view> known;
      known.reserve(scale.size());
      for (const ScaleClass& one : scale) {
        known.push_back(one.id);
      }
      return FailAt(node.mark, "no class \"" + node.text + "\" in the scale" +
                                   yaml::DidYouMean(node.text, known));
    }
    return static_cast<std::size_t>(found - scale.begin());
  }

  Result<void> ReadMatrix(const Node& root) {
    Result<const Node*> matrix = Required(root, "matrix", Node::Kind::kMapping);
    Result<const Node*> impacts = Required(root, "impact_of", Node::Kind::kMapping);
    Result<const Node*> verdicts = Required(root, "likelihood_of", Node::Kind::kMapping);
    for (const Result<const Node*>* part : {&matrix, &impacts, &verdicts}) {
      if (!*part) {
        return std::unexpected(part->error());
      }
    }
    for (const ScaleClass& impact : table_.impact) {
      const Node* row = (*matrix)->Get(impact.id);
      if (row == nullptr || row->items.size() != table_.likelihood.size()) {
        return FailAt(row == nullptr ? (*matrix)->mark : row->mark,
                      "matrix: expected for \"" + impact.id + "\" one level per likelihood, " +
                          std::to_string(table_.likelihood.size()));
      }
      std::vector<std::size_t> levels;
      for (const Node& item : row->items) {
        Result<std::size_t> level = ClassOf(table_.levels, item);
        if (!level) {
          return std::unexpected(level.error());
        }
        levels.push_back(*level);
      }
      table_.matrix.push_back(std::move(levels));
    }
    for (const Entry& entry : (*impacts)->entries) {
      Result<std::size_t> impact = ClassOf(table_.impact, entry.value);
      if (!impact) {
        return std::unexpected(impact.error());
      }
      table_.impact_of.emplace(entry.name, *impact);
    }
    if (!table_.impact_of.contains("other")) {
      return FailAt((*impacts)->mark, "impact_of: \"other\" is missing, for labels of one's own");
    }
    for (const char* verdict : {"does-not-stop", "controllable", "raises-cost", "stops"}) {
      if ((*verdicts)->Get(verdict) == nullptr) {
        return FailAt((*verdicts)->mark,
                      "likelihood_of: \"" + std::string(verdict) + "\" is missing");
      }
    }
    return ReadLikelihoods(**verdicts, table_.likelihood_of);
  }

  Result<void> ReadLikelihoods(const Node& node, std::map<Verdict, std::size_t>& likelihoods) {
    for (const Entry& entry : node.entries) {
      const std::optional<Verdict> verdict = ParseVerdict(entry.name);
      if (!verdict) {
        return FailAt(entry.mark, "no verdict \"" + entry.name + "\"" +
                                      yaml::DidYouMean(entry.name, VerdictNames()));
      }
      Result<std::size_t> likelihood = ClassOf(table_.likelihood, entry.value);
      if (!likelihood) {
        return std::unexpected(likelihood.error());
      }
      likelihoods.emplace(*verdict, *likelihood);
    }
    return {};
  }

  Result<void> ReadRisks(const Node& root) {
    Result<const Node*> risks = Required(root, "risks", Node::Kind::kSequence);
    Result<const Node*> exit = Required(root, "exit", Node::Kind::kMapping);
    if (!risks || !exit) {
      return std::unexpected(risks ? exit.error() : risks.error());
    }
    Result<const Node*> eea = Required(root, "eea", Node::Kind::kSequence);
    if (!eea) {
      return std::unexpected(eea.error());
    }
    for (const Node& item : (*eea)->items) {
      if (!ParseCountry(item.text)) {
        return FailAt(item.mark, "eea: expected the two letters of a country");
      }
      table_.eea.push_back(item.text);
    }
    for (const Node& item : (*risks)->items) {
      RiskEntry risk;
      Result<std::string> id = RequiredText(item, "id");
      Result<void> known = id ? CheckRisk(*id, item.mark, rules_) : std::unexpected(id.error());
      if (!known) {
        return known;
      }
      if (Result<void> names =
              OnlyNames(item, {"id", "threats", "control", "likelihood"}, "a risk");
          !names) {
        return names;
      }
      if (table_.Find(*id) != nullptr) {
        return FailAt(item.mark, "\"" + *id + "\" is there twice");
      }
      risk.id = *std::move(id);
      if (const Node* threats = item.Get("threats")) {
        for (const Node& threat : threats->items) {
          risk.threats.push_back(threat.text);
        }
      }
      if (const Node* control = item.Get("control")) {
        risk.control = control->text;
      }
      if (const Node* likelihood = item.Get("likelihood")) {
        if (Result<void> read = ReadLikelihoods(*likelihood, risk.likelihood); !read) {
          return read;
        }
      }
      table_.risks.push_back(std::move(risk));
    }
    Result<Texts> sentence = TextsOf(**exit);
    const Node* title = (*exit)->Get("title");
    if (title == nullptr) {
      return FailAt((*exit)->mark, "exit: \"title\" is missing");
    }
    Result<Texts> words = TextsOf(*title);
    if (!sentence || !words) {
      return std::unexpected(sentence ? words.error() : sentence.error());
    }
    table_.exit = {.id = "exit",
                   .title = *std::move(words),
                   .sentence = *std::move(sentence),
                   .wields = {"media"},
                   .instrument = {}};
    return {};
  }

  Result<void> ReadControls(const Node& root) {
    Result<const Node*> controls = Required(root, "controls", Node::Kind::kSequence);
    if (!controls) {
      return std::unexpected(controls.error());
    }
    for (const Node& item : (*controls)->items) {
      Result<Control> control = ReadControl(item, rules_);
      if (!control) {
        return std::unexpected(control.error());
      }
      if (std::ranges::find(table_.controls, control->id, &Control::id) != table_.controls.end()) {
        return FailAt(item.mark, "\"" + control->id + "\" is there twice");
      }
      table_.controls.push_back(*std::move(control));
    }
    return {};
  }

  const RuleSet& rules_;
  RegisterTable& table_;
};

}  // namespace

Result<RegisterTable> ReadRegisterTable(std::string_view text, const std::string& file,
                                        const RuleSet& rules) {
  RegisterTable table;
  Result<Node> root = yaml::Parse(text);
  Result<void> read = root ? TableReader(rules, table).Read(*root) : std::unexpected(root.error());
  if (!read) {
    Error error = read.error();
    error.message = file + ":" + error.message;
    return std::unexpected(std::move(error));
  }
  return table;
}

Result<RegisterTable> BuiltInRegisterTable(const RuleSet& rules) {
  const std::vector<DataFile> files = DataFiles("register.yaml");
  return ReadRegisterTable(files.at(0).text, "register.yaml", rules);
}

}  // namespace casemate::assess
