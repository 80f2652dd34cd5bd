#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assess/evidence/export.h"
#include "json/reader.h"

// How each kind of export is told from the others, and read. One file for each vendor.
namespace casemate::assess {

struct ExportKind {
  ExportKindInfo info;
  bool (*matches)(const json::Value& root);
  Result<void> (*read)(const json::Value& root, Export& out);
};
std::span<const ExportKind> AzureExports();
std::span<const ExportKind> GoogleExports();
std::span<const ExportKind> AwsExports();
std::span<const ExportKind> OpenAiExports();
std::span<const ExportKind> OwnExports();  // casemate attest, casemate flows

// Members of an export. Absent and null are the same: tools leave out what they do not know.
// Errors: kInvalidArgument with the path, for another type.
Result<std::string> TextAt(const json::Value& object, std::string_view name);
Result<std::optional<bool>> FlagAt(const json::Value& object, std::string_view name);
Result<std::vector<json::Value>> ListAt(const json::Value& object, std::string_view name);
// An object, or nothing.
Result<std::optional<json::Value>> ObjectAt(const json::Value& object, std::string_view name);

// For `matches`: the text of a member, "" when it is none.
std::string PeekText(const json::Value& object, std::string_view name);
bool HasAny(const json::Value& object, std::initializer_list<std::string_view> names);

// Adds a fact of `element`; the first letters of `why` are small.
struct At {
  Kind kind;
  std::string_view element;
};
void Say(Export& out, At at, std::string_view field, std::vector<std::string> values,
         std::string path, std::string why);
void SayNotYou(Export& out, At at, std::string_view field, std::string path, std::string why);
void Note(Export& out, std::string path, std::string text);

}  // namespace casemate::assess
