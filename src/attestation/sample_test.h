#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "attestation/context.h"
#include "base/file.h"
#include "crypto/x509_chain.h"

// For tests: the samples of tests/data/attestation (its README names the sources).
namespace casemate::attestation {

inline Bytes Sample(const std::string& path) {
  Result<Bytes> content = ReadFile(
      std::filesystem::path(CASEMATE_SOURCE_DIR) / "tests/data/attestation" / path, 1 << 20);
  EXPECT_TRUE(content.has_value()) << path;
  return content.value_or(Bytes());
}

inline std::string SampleText(const std::string& path) {
  const Bytes content = Sample(path);
  return std::string(AsText(content));
}

inline crypto::X509Certificate SampleCertificate(const std::string& path) {
  return crypto::X509Certificate::FromDer(Sample(path)).value();
}

inline std::vector<crypto::X509Certificate> SampleChain(const std::string& path) {
  return crypto::ReadPemCertificates(SampleText(path)).value();
}

// Noon, UTC.
inline std::int64_t Day(int year, unsigned month, unsigned day) {
  const std::chrono::sys_days days =
      std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  return std::chrono::duration_cast<std::chrono::seconds>(days.time_since_epoch()).count() + 43200;
}

inline Outcome OutcomeOf(const Appraisal& appraisal, std::string_view step) {
  const Step* found = appraisal.Find(step);
  EXPECT_NE(found, nullptr) << "no step " << step;
  return found == nullptr ? Outcome::kNotChecked : found->outcome;
}

inline Coverage CoverageOf(const Appraisal& appraisal, std::string_view attack) {
  const AttackResult* found = appraisal.FindAttack(attack);
  EXPECT_NE(found, nullptr) << "no attack " << attack;
  return found == nullptr ? Coverage::kCannotTell : found->coverage;
}

}  // namespace casemate::attestation
