#include "attestation/tdx/collateral.h"

#include <algorithm>

#include "attestation/utc.h"
#include "json/reader.h"

namespace casemate::attestation::tdx {
namespace {

constexpr std::size_t kMaxLevels = 256;
constexpr std::pair<std::string_view, TcbStatus> kStatusWords[] = {
    {"UpToDate", TcbStatus::kUpToDate},
    {"SWHardeningNeeded", TcbStatus::kSwHardeningNeeded},
    {"ConfigurationNeeded", TcbStatus::kConfigurationNeeded},
    {"ConfigurationAndSWHardeningNeeded", TcbStatus::kConfigurationAndSwHardeningNeeded},
    {"OutOfDate", TcbStatus::kOutOfDate},
    {"OutOfDateConfigurationNeeded", TcbStatus::kOutOfDateConfigurationNeeded},
    {"Revoked", TcbStatus::kRevoked}};

// Reads members of one object; the first that does not fit is kept as the failure.
class Fields {
 public:
  Fields(const json::Value& object, std::string& failure) : object_(object), failure_(failure) {}

  std::string Text(const char* name) {
    const auto value = object_.GetSet(name);
    Result<std::string> text =
        value ? value->AsName(4096) : Fail(ErrorCode::kInvalidArgument, "is missing");
    Note(text.has_value(), name);
    return text.value_or("");
  }
  Bytes Hex(const char* name, std::size_t size) {
    Result<Bytes> bytes = FromHex(Text(name));
    Note(bytes && bytes->size() == size, name);
    return bytes.value_or(Bytes());
  }
  std::int64_t Integer(const char* name, std::int64_t most) {
    const auto value = object_.GetSet(name);
    const std::int64_t number = value ? value->AsInteger().value_or(-1) : -1;
    Note(number >= 0 && number <= most, name);
    return number;
  }
  std::int64_t Time(const char* name) {
    Result<std::int64_t> time = ParseUtc(Text(name));
    Note(time.has_value(), name);
    return time.value_or(0);
  }
  std::vector<json::Value> List(const char* name) {
    const auto value = object_.GetSet(name);
    const bool fits =
        value && value->kind() == json::Value::Kind::kArray && value->size() <= kMaxLevels;
    Note(fits, name);
    return fits ? value->Elements() : std::vector<json::Value>();
  }
  std::vector<std::string> Advisories() {
    std::vector<std::string> ids;
    const auto value = object_.GetSet("advisoryIDs");
    for (const json::Value& id : value ? value->Elements() : std::vector<json::Value>()) {
      Result<std::string> text = id.AsName(64);
      Note(text && ids.size() < kMaxLevels, "advisoryIDs");
      ids.push_back(text.value_or(""));
    }
    return ids;
  }
  void Note(bool fits, const char* name) {
    if (!fits && failure_.empty()) {
      failure_ = object_.path() + (object_.path().empty() ? "" : ".") + name +
                 " is missing or out of range";
    }
  }

 private:
  const json::Value& object_;
  std::string& failure_;
};

std::array<unsigned, 16> Components(Fields& fields, const char* name, std::string& failure) {
  std::array<unsigned, 16> svn{};
  const std::vector<json::Value> list = fields.List(name);
  fields.Note(list.size() == svn.size(), name);
  for (std::size_t i = 0; i < std::min(list.size(), svn.size()); ++i) {
    svn[i] = static_cast<unsigned>(Fields(list[i], failure).Integer("svn", 255));
  }
  return svn;
}

std::vector<SvnLevel> SvnLevels(Fields& fields, std::string& failure) {
  std::vector<SvnLevel> levels;
  for (const json::Value& value : fields.List("tcbLevels")) {
    Fields level(value, failure);
    const auto tcb = value.GetSet("tcb");
    level.Note(tcb.has_value(), "tcb");
    levels.push_back(
        {.isv_svn = tcb ? static_cast<unsigned>(Fields(*tcb, failure).Integer("isvsvn", 65535)) : 0,
         .status = ParseTcbStatus(level.Text("tcbStatus")),
         .date = level.Text("tcbDate"),
         .advisories = level.Advisories()});
  }
  return levels;
}

ModuleIdentity ReadModule(const json::Value& value, std::string& failure) {
  Fields fields(value, failure);
  return {.id = {},
          .mr_signer = fields.Hex("mrsigner", 48),
          .attributes = fields.Hex("attributes", 8),
          .attributes_mask = fields.Hex("attributesMask", 8),
          .levels = {}};
}

std::vector<TcbLevel> ReadLevels(Fields& fields, bool tdx, std::string& failure) {
  std::vector<TcbLevel> levels;
  for (const json::Value& value : fields.List("tcbLevels")) {
    Fields level(value, failure);
    const auto tcb = value.GetSet("tcb");
    level.Note(tcb.has_value(), "tcb");
    if (!tcb) {
      break;
    }
    Fields numbers(*tcb, failure);
    TcbLevel read;
    read.sgx = Components(numbers, "sgxtcbcomponents", failure);
    if (tdx) {
      read.tdx = Components(numbers, "tdxtcbcomponents", failure);
    }
    read.pce_svn = static_cast<unsigned>(numbers.Integer("pcesvn", 65535));
    read.status = ParseTcbStatus(level.Text("tcbStatus"));
    read.date = level.Text("tcbDate");
    read.advisories = level.Advisories();
    levels.push_back(std::move(read));
  }
  return levels;
}

// The outer object: the member's bytes and the signature over them.
struct Envelope {
  json::Document body;
  Signed common;
};
Result<std::optional<Envelope>> Open(const std::string& file, std::string_view text,
                                     std::string_view member) {
  const json::Limits limits{
      .max_bytes = std::size_t{1} << 20, .max_depth = 16, .max_values = 100'000};
  Result<json::Document> outer = json::Document::Parse(PlaintextView::Of(text), limits);
  if (!outer) {
    return Wrap(outer.error(), file);
  }
  if (!outer->root().Get(member)) {
    return std::optional<Envelope>();
  }
  const std::optional<std::string_view> raw = RawMember(text, member);
  const auto signature = outer->root().GetSet("signature");
  Result<std::string> hex = signature
                                ? signature->AsName(128)
                                : Fail(ErrorCode::kInvalidArgument, "\"signature\" is missing");
  Result<Bytes> bytes = hex ? FromHex(*hex) : std::unexpected(hex.error());
  if (!raw || !bytes || bytes->size() != 64) {
    return Fail(ErrorCode::kInvalidArgument, file + ": expected \"" + std::string(member) +
                                                 "\" and a \"signature\" of 64 bytes");
  }
  // Only what was signed is read from here on.
  Result<json::Document> body = json::Document::Parse(PlaintextView::Of(*raw), limits);
  if (!body) {
    return Wrap(body.error(), file);
  }
  const ByteView signed_part = AsBytes(*raw);
  Envelope envelope{.body = *std::move(body), .common = {}};
  envelope.common.file = file;
  envelope.common.signed_part.assign(signed_part.begin(), signed_part.end());
  envelope.common.signature = *std::move(bytes);
  return std::optional<Envelope>(std::move(envelope));
}

void ReadDates(Fields& fields, Signed& common) {
  common.issue_date = fields.Time("issueDate");
  common.next_update = fields.Time("nextUpdate");
  common.evaluation_number = fields.Integer("tcbEvaluationDataNumber", 1'000'000);
}

// The end of the JSON value at `at`: brackets and strings are followed, nothing is judged.
std::size_t ValueEnd(std::string_view text, std::size_t at) {
  int depth = 0;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      at += c == '\\' ? 1 : 0;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth < 0) {
        return at;  // of the object around
      }
    } else if (c == ',' && depth == 0) {
      return at;
    }
    if (depth == 0 && !quoted && (c == '}' || c == ']' || c == '"')) {
      return at + 1;
    }
  }
  return at;
}

std::size_t SkipSpace(std::string_view text, std::size_t at) {
  while (at < text.size() && std::string_view(" \t\r\n").contains(text[at])) {
    ++at;
  }
  return at;
}

}  // namespace

TcbStatus ParseTcbStatus(std::string_view word) {
  for (const auto& [name, status] : kStatusWords) {
    if (name == word) {
      return status;
    }
  }
  return TcbStatus::kUnknown;
}

std::string_view TcbStatusName(TcbStatus status) {
  if (status == TcbStatus::kTdRelaunchAdvised) {
    return "TDRelaunchAdvised";
  }
  if (status == TcbStatus::kTdRelaunchAdvisedConfigurationNeeded) {
    return "TDRelaunchAdvisedConfigurationNeeded";
  }
  for (const auto& [name, known] : kStatusWords) {
    if (known == status) {
      return name;
    }
  }
  return "unknown";
}

TcbStatus Worse(TcbStatus a, TcbStatus b) {
  const TcbStatus worse = std::max(a, b);
  const TcbStatus better = std::min(a, b);
  const bool configuration = better == TcbStatus::kConfigurationNeeded ||
                             better == TcbStatus::kConfigurationAndSwHardeningNeeded;
  return worse == TcbStatus::kOutOfDate && configuration ? TcbStatus::kOutOfDateConfigurationNeeded
                                                         : worse;
}

std::optional<std::string_view> RawMember(std::string_view text, std::string_view member) {
  std::size_t at = SkipSpace(text, 0);
  if (at >= text.size() || text[at] != '{') {
    return std::nullopt;
  }
  ++at;
  for (;;) {
    at = SkipSpace(text, at);
    if (at >= text.size() || text[at] != '"') {
      return std::nullopt;
    }
    const std::size_t name_end = ValueEnd(text, at);
    const std::string_view name = text.substr(at + 1, name_end - at - 2);
    at = SkipSpace(text, name_end);
    if (at >= text.size() || text[at] != ':') {
      return std::nullopt;
    }
    at = SkipSpace(text, at + 1);
    const std::size_t end = ValueEnd(text, at);
    if (name == member) {
      return text.substr(at, end - at);
    }
    at = SkipSpace(text, end);
    if (at >= text.size() || text[at] != ',') {
      return std::nullopt;
    }
    ++at;
  }
}

Result<std::optional<TcbInfo>> ReadTcbInfo(const std::string& file, std::string_view text) {
  Result<std::optional<Envelope>> envelope = Open(file, text, "tcbInfo");
  if (!envelope) {
    return std::unexpected(envelope.error());
  }
  if (!*envelope) {
    return std::optional<TcbInfo>();
  }
  TcbInfo info;
  static_cast<Signed&>(info) = std::move((*envelope)->common);
  std::string failure;
  const json::Value root = (*envelope)->body.root();
  Fields fields(root, failure);
  const std::string id = fields.Text("id");
  info.tdx = id == "TDX";
  fields.Note(id == "TDX" || id == "SGX", "id");
  fields.Note(fields.Integer("version", 100) == 3, "version");
  ReadDates(fields, info);
  info.fmspc = fields.Hex("fmspc", 6);
  info.pce_id = fields.Hex("pceId", 2);
  info.levels = ReadLevels(fields, info.tdx, failure);
  if (const auto module = root.GetSet("tdxModule")) {
    info.module = ReadModule(*module, failure);
  }
  if (root.GetSet("tdxModuleIdentities")) {
    for (const json::Value& value : fields.List("tdxModuleIdentities")) {
      ModuleIdentity module = ReadModule(value, failure);
      Fields inner(value, failure);
      module.id = inner.Text("id");
      module.levels = SvnLevels(inner, failure);
      info.modules.push_back(std::move(module));
    }
  }
  if (!failure.empty()) {
    return Fail(ErrorCode::kInvalidArgument, file + ": tcbInfo: " + failure);
  }
  return std::optional<TcbInfo>(std::move(info));
}

Result<std::optional<EnclaveIdentity>> ReadEnclaveIdentity(const std::string& file,
                                                           std::string_view text) {
  Result<std::optional<Envelope>> envelope = Open(file, text, "enclaveIdentity");
  if (!envelope) {
    return std::unexpected(envelope.error());
  }
  if (!*envelope) {
    return std::optional<EnclaveIdentity>();
  }
  EnclaveIdentity identity;
  static_cast<Signed&>(identity) = std::move((*envelope)->common);
  std::string failure;
  const json::Value root = (*envelope)->body.root();
  Fields fields(root, failure);
  identity.id = fields.Text("id");
  fields.Note(fields.Integer("version", 100) == 2, "version");
  ReadDates(fields, identity);
  identity.misc_select = fields.Hex("miscselect", 4);
  identity.misc_select_mask = fields.Hex("miscselectMask", 4);
  identity.attributes = fields.Hex("attributes", 16);
  identity.attributes_mask = fields.Hex("attributesMask", 16);
  identity.mr_signer = fields.Hex("mrsigner", 32);
  identity.isv_prod_id = static_cast<unsigned>(fields.Integer("isvprodid", 65535));
  identity.levels = SvnLevels(fields, failure);
  if (!failure.empty()) {
    return Fail(ErrorCode::kInvalidArgument, file + ": enclaveIdentity: " + failure);
  }
  return std::optional<EnclaveIdentity>(std::move(identity));
}

}  // namespace casemate::attestation::tdx
