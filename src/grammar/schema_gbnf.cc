#include <algorithm>

#include "grammar/builder.h"
#include "grammar/gbnf.h"

namespace casemate::grammar {

// Writes the rules of one schema: one a node, "s-1-7" for node 7 of the second schema.
class SchemaWriter {
 public:
  SchemaWriter(Builder& builder, const SchemaTree& tree)
      : builder_(builder), tree_(tree), prefix_("s-" + std::to_string(builder.schemas_++) + "-") {}

  std::string Run() {
    for (NodeId node = 0; node < tree_.nodes.size(); ++node) {
      Plaintext out;
      elements_ = 1;
      node_ = node;
      std::visit([&](const auto& value) { Write(value, out); }, tree_.nodes[node]);
      builder_.elements_ += elements_;
      builder_.AddRule(Name(node), out);
    }
    return Name(tree_.root);
  }

 private:
  std::string Name(NodeId node) const { return prefix_ + std::to_string(node); }
  void Shared(Plaintext& out, std::string_view rule) {
    builder_.Need(rule);
    out.AppendLiteral(rule);
  }

  void Write(const AnyValue&, Plaintext& out) { Shared(out, "json-value"); }
  void Write(const NullValue&, Plaintext& out) { out.AppendLiteral("\"null\""); }
  void Write(const BooleanValue&, Plaintext& out) { out.AppendLiteral("\"true\" | \"false\""); }
  void Write(const IntegerValue& integer, Plaintext& out) {
    if (integer.least == -kLargestInteger && integer.most == kLargestInteger) {
      Shared(out, "json-integer");
      return;
    }
    AppendRange(out, IntegerGbnf(integer.least, integer.most));
  }
  void Write(const NumberValue& number, Plaintext& out) {
    if (!number.least && !number.most) {
      Shared(out, "json-number");
      return;
    }
    AppendRange(out, NumberGbnf(number.least, number.most));
  }
  void AppendRange(Plaintext& out, const std::string& range) {
    elements_ += range.size();
    out.AppendLiteral(range);
  }

  void Write(const StringValue& string, Plaintext& out) {
    if (!string.pattern && string.least == 0 && !string.most) {
      Shared(out, "json-string");
      return;
    }
    out.AppendLiteral("\"\\\"\" ");
    if (string.pattern) {
      WriteRegex(out, *string.pattern);
      elements_ += SizeOf(*string.pattern);
    } else if (string.most != 0U) {
      Shared(out, "json-char");
      out.AppendLiteral(CountSuffix(string.least, string.most));
      elements_ += string.most.value_or(string.least);
    }
    out.AppendLiteral(" \"\\\"\"");
  }

  void Write(const LiteralValue& literals, Plaintext& out) {
    for (std::size_t i = 0; i < literals.texts.size(); ++i) {
      out.AppendLiteral(i > 0 ? " | " : "");
      WriteLiteral(out, literals.texts[i]);
      elements_ += literals.texts[i].size();
    }
  }

  void Write(const ChoiceValue& choice, Plaintext& out) {
    for (std::size_t i = 0; i < choice.of.size(); ++i) {
      out.AppendLiteral((i > 0 ? " | " : "") + Name(choice.of[i]));
      ++elements_;
    }
  }

  void Write(const ArrayValue& array, Plaintext& out) {
    if (array.most == 0U) {
      out.AppendLiteral("\"[]\"");
      return;
    }
    builder_.Need("json-comma");
    const std::uint32_t more_least = array.least == 0 ? 0 : array.least - 1;
    std::optional<std::uint32_t> more_most;
    if (array.most) {
      more_most = *array.most - 1;
    }
    std::string items = Name(array.item);
    if (more_most != 0U) {
      items += " (json-comma " + Name(array.item) + ")" + CountSuffix(more_least, more_most);
    }
    out.AppendLiteral(array.least == 0 ? "\"[\" (" + items + ")? \"]\""
                                       : "\"[\" " + items + " \"]\"");
    elements_ += 3 * std::size_t{more_most.value_or(more_least + 1)};
  }

  void Write(const ObjectValue& object, Plaintext& out) {
    builder_.Need("json-comma");
    if (object.others) {
      builder_.Need("json-string");
      const std::string member = "json-string \":\" json-space " + Name(*object.others);
      out.AppendLiteral("\"{\" (" + member + " (json-comma " + member + ")*)? \"}\"");
      elements_ += 12;
      return;
    }
    // Two rules a place, where they can be reached: what may follow when nothing has been written
    // yet, and when something has.
    out.AppendLiteral("\"{\" " + Rest(0, false));
    bool maybe_first = true;
    for (std::size_t i = 0; i < object.properties.size(); ++i) {
      if (maybe_first) {
        WriteRest(object.properties[i], i, false);
      }
      if (i > 0) {
        WriteRest(object.properties[i], i, true);
      }
      maybe_first = maybe_first && !object.properties[i].required;
    }
    for (const bool written : {false, true}) {
      if (written ? !object.properties.empty() : maybe_first) {
        builder_.AddRule(Rest(object.properties.size(), written), PlaintextView::Of("\"}\""));
      }
    }
  }

  std::string Rest(std::size_t property, bool written) const {
    return Name(node_) + (written ? "-c" : "-f") + std::to_string(property);
  }

  void WriteRest(const ObjectValue::Property& property, std::size_t i, bool written) {
    Plaintext rule;
    rule.AppendLiteral(written ? "json-comma " : "");
    WriteJsonString(rule, PlaintextView::Of(property.name));
    rule.AppendLiteral(" \":\" json-space " + Name(property.value) + " " + Rest(i + 1, true));
    if (!property.required) {
      rule.AppendLiteral(" | " + Rest(i + 1, written));
    }
    elements_ += property.name.size() + 8;
    builder_.AddRule(Rest(i, written), rule);
  }

  Builder& builder_;
  const SchemaTree& tree_;
  std::string prefix_;
  NodeId node_ = 0;
  std::size_t elements_ = 0;
};

Result<std::string> Builder::AddSchema(const json::Value& schema) {
  Result<SchemaTree> tree = ReadSchema(schema);
  if (!tree) {
    return std::unexpected(tree.error());
  }
  return SchemaWriter(*this, *tree).Run();
}

}  // namespace casemate::grammar
