#include "assess/evidence/export.h"

#include <algorithm>

#include "assess/evidence/export_kinds.h"

namespace casemate::assess {
namespace {

constexpr json::Limits kLimits = {
    .max_bytes = std::size_t{16} * 1024 * 1024, .max_depth = 32, .max_values = 500'000};

std::vector<ExportKind> AllKinds() {
  std::vector<ExportKind> all;
  for (const auto kinds :
       {AzureExports(), GoogleExports(), AwsExports(), OpenAiExports(), OwnExports()}) {
    all.insert(all.end(), kinds.begin(), kinds.end());
  }
  return all;
}

std::unexpected<Error> In(const std::string& file, Error error) {
  error.message = file + ": " + (error.param.empty() ? "" : error.param + ": ") + error.message;
  error.param.clear();
  return std::unexpected(std::move(error));
}

}  // namespace

std::vector<ExportKindInfo> ExportKinds() {
  std::vector<ExportKindInfo> infos;
  for (const ExportKind& kind : AllKinds()) {
    infos.push_back(kind.info);
  }
  return infos;
}

Result<Export> ReadExport(std::string_view text, const std::string& file, const std::string& date) {
  Result<json::Document> document = json::Document::Parse(PlaintextView::Of(text), kLimits);
  if (!document) {
    return In(file, document.error());
  }
  const json::Value root = document->root();
  const std::vector<ExportKind> kinds = AllKinds();
  const auto kind =
      std::ranges::find_if(kinds, [&](const ExportKind& one) { return one.matches(root); });
  if (kind == kinds.end()) {
    std::string known;
    for (const ExportKind& one : kinds) {
      known += "\n  " + std::string(one.info.title);
    }
    return Fail(
        ErrorCode::kInvalidArgument,
        file + ": JSON, but nothing that is known as evidence; export it as JSON by" + known);
  }
  Export out{.file = file,
             .kind = std::string(kind->info.kind),
             .title = std::string(kind->info.title),
             .subject = {},
             .date = date};
  if (Result<void> read = kind->read(root, out); !read) {
    return In(file, read.error());
  }
  return out;
}

Result<std::string> TextAt(const json::Value& object, std::string_view name) {
  const std::optional<json::Value> value = object.GetSet(name);
  // Tools write addresses and ids here; a text that is longer is none of them.
  return value ? value->AsName(2048) : Result<std::string>(std::string());
}

Result<std::optional<bool>> FlagAt(const json::Value& object, std::string_view name) {
  const std::optional<json::Value> value = object.GetSet(name);
  if (!value) {
    return std::optional<bool>();
  }
  Result<bool> flag = value->AsBool();
  if (!flag) {
    return std::unexpected(flag.error());
  }
  return std::optional(*flag);
}

namespace {

std::unexpected<Error> WrongType(const json::Value& value, std::string_view expected) {
  return std::unexpected(Error{.code = ErrorCode::kInvalidArgument,
                               .message = "expected " + std::string(expected),
                               .param = value.path(),
                               .detail = {}});
}

}  // namespace

Result<std::vector<json::Value>> ListAt(const json::Value& object, std::string_view name) {
  const std::optional<json::Value> value = object.GetSet(name);
  if (!value) {
    return std::vector<json::Value>();
  }
  if (value->kind() != json::Value::Kind::kArray) {
    return WrongType(*value, "a list");
  }
  return value->Elements();
}

Result<std::optional<json::Value>> ObjectAt(const json::Value& object, std::string_view name) {
  std::optional<json::Value> value = object.GetSet(name);
  if (value && value->kind() != json::Value::Kind::kObject) {
    return WrongType(*value, "an object");
  }
  return value;
}

std::string PeekText(const json::Value& object, std::string_view name) {
  return TextAt(object, name).value_or("");
}

bool HasAny(const json::Value& object, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(names,
                             [&](std::string_view name) { return object.Get(name).has_value(); });
}

void Say(Export& out, At at, std::string_view field, std::vector<std::string> values,
         std::string path, std::string why) {
  out.facts.push_back({.kind = at.kind,
                       .element = std::string(at.element),
                       .field = std::string(field),
                       .values = std::move(values),
                       .path = std::move(path),
                       .why = std::move(why)});
}

void SayNotYou(Export& out, At at, std::string_view field, std::string path, std::string why) {
  Say(out, at, field, {}, std::move(path), std::move(why));
  out.facts.back().not_you = true;
}

void Note(Export& out, std::string path, std::string text) {
  out.notes.push_back({.path = std::move(path), .text = std::move(text)});
}

}  // namespace casemate::assess
