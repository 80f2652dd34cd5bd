#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/sha2.h"

// ECDSA (FIPS 186-5) as attestation formats carry it: raw numbers, not DER.
namespace casemate::crypto {

enum class EcCurve : unsigned char { kP256, kP384, kP521 };
std::size_t CoordinateSize(EcCurve curve);  // bytes: 32, 48, 66
std::string_view CurveName(EcCurve curve);  // "P-256"

// `public_point`: x || y, or 0x04 || x || y; big-endian, and refused when not on the curve.
// `signature`: r || s, big-endian, each CoordinateSize long and within 1 .. n-1.
// Errors: kInvalidArgument: not a point or not of that size. kIntegrityFailure: does not verify.
[[nodiscard]] Result<void> VerifyEcdsa(EcCurve curve, HashAlgorithm hash, ByteView public_point,
                                       ByteView message, ByteView signature);

}  // namespace casemate::crypto
