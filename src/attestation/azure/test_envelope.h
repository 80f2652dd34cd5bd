#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

// For tests: what Azure's vTPM holds, with runtime data of the test.
namespace casemate::attestation::azure {

inline void PutLittle32(Bytes& out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) {
    out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xFF));
  }
}

inline constexpr std::string_view kRuntime =
    R"({"keys":[{"kid":"HCLAkPub","kty":"RSA"}],"vm-configuration":{"secure-boot":true,"vmUniqueId":"x"}})";

// As the layout of docs/attest.md has it, around a report.
inline Bytes MakeEnvelope(ByteView report, std::uint32_t type, std::string_view runtime) {
  Bytes raw = {std::byte{'H'}, std::byte{'C'}, std::byte{'L'}, std::byte{'A'}};
  raw.resize(32);
  Put(raw, report);
  raw.resize(32 + 1184);
  PutLittle32(raw, static_cast<std::uint32_t>(runtime.size() + 20));
  PutLittle32(raw, 1);
  PutLittle32(raw, type);
  PutLittle32(raw, 1);
  PutLittle32(raw, static_cast<std::uint32_t>(runtime.size()));
  Put(raw, AsBytes(runtime));
  raw.resize(raw.size() + 100);  // the vTPM's index is longer
  return raw;
}

}  // namespace casemate::attestation::azure
