#include "audit/verify/leaf.h"

#include <algorithm>

namespace casemate::audit {
namespace {

constexpr std::uint8_t kFirstVersion = 1;
constexpr std::uint8_t kLastVersion = 2;

// The ranges of docs/formats/audit_leaf.md. They are policy's numbers, written again here because a
// verifier must not grow with what the server learns.
constexpr std::uint8_t kLastJustification = 11;
constexpr std::uint8_t kUnavailable = 100;
constexpr std::uint8_t kUnknown = 101;
constexpr std::uint8_t kLastLevel = 4;
constexpr std::uint16_t kAllActions = 0x3f;
constexpr std::uint8_t kLastPurpose = 10;

// What version 2 made longer.
struct Ranges {
  std::uint8_t last_type;
  std::uint8_t last_label;
  std::uint8_t last_rule;
};
constexpr Ranges kVersion1{13, 3, 13};
constexpr Ranges kVersion2{kLastLeafType, 15, 15};

bool Within(const Leaf& leaf, const Ranges& ranges) {
  return static_cast<std::uint8_t>(leaf.type) <= ranges.last_type &&
         leaf.label <= ranges.last_label && leaf.rule <= ranges.last_rule;
}

std::uint8_t VersionOf(const Leaf& leaf) {
  return Within(leaf, kVersion1) ? kFirstVersion : kLastVersion;
}

// Takes fields off the front; the size was checked before.
class Fields {
 public:
  explicit Fields(ByteView bytes) : bytes_(bytes) {}
  std::uint8_t U8() { return std::to_integer<std::uint8_t>(Take(1)[0]); }
  std::uint16_t U16() { return GetU16(Take(2)); }
  std::uint32_t U32() { return GetU32(Take(4)); }
  std::uint64_t U64() { return GetU64(Take(8)); }
  Commitment Hash() {
    Commitment value{};
    std::ranges::copy(Take(value.size()), value.begin());
    return value;
  }

 private:
  ByteView Take(std::size_t size) {
    const ByteView taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  ByteView bytes_;
};

std::unexpected<Error> Refuse(std::string_view field, std::uint64_t found) {
  return Fail(ErrorCode::kInvalidArgument,
              "leaf: " + std::string(field) + " out of range: " + std::to_string(found));
}

Result<void> CheckRanges(const Leaf& leaf, const Ranges& ranges) {
  const auto type = static_cast<std::uint8_t>(leaf.type);
  if (type == 0 || type > ranges.last_type) {
    return Refuse("type", type);
  }
  if (leaf.unix_ms < 0) {
    return Refuse("time", static_cast<std::uint64_t>(leaf.unix_ms));
  }
  if (leaf.justification > kLastJustification && leaf.justification != kUnavailable &&
      leaf.justification != kUnknown) {
    return Refuse("justification", leaf.justification);
  }
  if (leaf.level > kLastLevel) {
    return Refuse("level", leaf.level);
  }
  if ((leaf.actions & ~kAllActions) != 0) {
    return Refuse("actions", leaf.actions);
  }
  if (leaf.label > ranges.last_label) {
    return Refuse("label", leaf.label);
  }
  if (leaf.purpose > kLastPurpose) {
    return Refuse("purpose", leaf.purpose);
  }
  if (leaf.rule > ranges.last_rule) {
    return Refuse("rule", leaf.rule);
  }
  return {};
}

}  // namespace

std::string_view LeafTypeName(LeafType type) {
  static constexpr std::array<std::string_view, kLastLeafType> kNames = {"ticket",
                                                                         "refusal",
                                                                         "release",
                                                                         "ticket_closed",
                                                                         "created",
                                                                         "erasure",
                                                                         "key_created",
                                                                         "key_revoked",
                                                                         "tenant_created",
                                                                         "model_registered",
                                                                         "start",
                                                                         "stop",
                                                                         "restored",
                                                                         "tenant_suspended",
                                                                         "tenant_resumed",
                                                                         "tenant_removed",
                                                                         "principal_created",
                                                                         "principal_suspended",
                                                                         "principal_resumed",
                                                                         "principal_removed",
                                                                         "grant_added",
                                                                         "grant_removed"};
  const auto number = static_cast<std::uint8_t>(type);
  return number >= 1 && number <= kLastLeafType ? kNames[number - 1] : "unknown";
}

Bytes EncodeLeaf(const Leaf& leaf) {
  Bytes out;
  out.reserve(kLeafSize);
  out.push_back(std::byte{VersionOf(leaf)});
  out.push_back(static_cast<std::byte>(leaf.type));
  PutU64(out, static_cast<std::uint64_t>(leaf.unix_ms));
  Put(out, leaf.tenant);
  Put(out, leaf.principal);
  Put(out, leaf.ticket);
  out.push_back(static_cast<std::byte>(leaf.justification));
  out.push_back(static_cast<std::byte>(leaf.level));
  PutU16(out, leaf.actions);
  out.push_back(static_cast<std::byte>(leaf.label));
  out.push_back(static_cast<std::byte>(leaf.purpose));
  out.push_back(static_cast<std::byte>(leaf.rule));
  PutU32(out, leaf.count);
  PutU32(out, leaf.max_objects);
  PutU32(out, leaf.max_partitions);
  PutU32(out, leaf.duration_ms);
  PutU64(out, leaf.epoch);
  Put(out, leaf.objects);
  Put(out, leaf.request);
  return out;
}

Result<Leaf> DecodeLeaf(ByteView bytes) {
  if (bytes.size() != kLeafSize) {
    return Fail(ErrorCode::kInvalidArgument, "leaf: expected " + std::to_string(kLeafSize) +
                                                 " bytes, found " + std::to_string(bytes.size()));
  }
  Fields fields(bytes);
  const std::uint8_t version = fields.U8();
  if (version < kFirstVersion || version > kLastVersion) {
    return Refuse("version", version);
  }
  Leaf leaf;
  leaf.type = static_cast<LeafType>(fields.U8());
  leaf.unix_ms = static_cast<std::int64_t>(fields.U64());
  leaf.tenant = fields.Hash();
  leaf.principal = fields.Hash();
  leaf.ticket = fields.Hash();
  leaf.justification = fields.U8();
  leaf.level = fields.U8();
  leaf.actions = fields.U16();
  leaf.label = fields.U8();
  leaf.purpose = fields.U8();
  leaf.rule = fields.U8();
  leaf.count = fields.U32();
  leaf.max_objects = fields.U32();
  leaf.max_partitions = fields.U32();
  leaf.duration_ms = fields.U32();
  leaf.epoch = fields.U64();
  leaf.objects = fields.Hash();
  leaf.request = fields.Hash();
  if (Result<void> good = CheckRanges(leaf, version == kFirstVersion ? kVersion1 : kVersion2);
      !good) {
    return std::unexpected(good.error());
  }
  if (version != VersionOf(leaf)) {
    return Refuse("version (1 holds these numbers)", version);
  }
  return leaf;
}

}  // namespace casemate::audit
