#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "attestation/appraisal.h"
#include "base/bytes.h"

// For tests: every byte of a piece of evidence is changed, one bit at a time, and what is signed
// must be refused for its integrity.
namespace casemate::attestation {

// Bytes that nothing signs. A change of them is refused too, or changes nothing that is said.
struct Unsigned {
  std::size_t begin = 0;
  std::size_t end = 0;
  const char* why = "";
};

// AddressSanitizer is there to find what a changed byte does to memory and is slow: one byte in
// seven. The build without it takes every byte.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr std::size_t kStride = 7;
#else
inline constexpr std::size_t kStride = 1;
#endif

struct FlipSubject {
  std::string name;
  Bytes good;
  std::vector<Unsigned> unsigned_parts;
  std::function<Appraisal(ByteView)> appraise;
  // A change of an unsigned byte may be said in a fact, a warning or the text of a step.
  bool unsigned_are_said = false;
};

inline bool LongRun() {
  const char* set = std::getenv("CASEMATE_LONG");
  return set != nullptr && *set != '\0';
}

// CASEMATE_LONG takes all eight bits of every byte; else one, another from byte to byte, so that
// all eight are met.
inline std::vector<unsigned> BitsOf(std::size_t at) {
  if (LongRun()) {
    return {0, 1, 2, 3, 4, 5, 6, 7};
  }
  return {static_cast<unsigned>((at * 5 + at / 8) % 8)};
}

// Steps that fail when bytes were changed. Policy (debug, TCB, dates, revocation) is none of them:
// a flip that only makes the guest look like a debug guest would hide a signature that nobody
// checks.
inline bool IntegrityHolds(const Appraisal& appraisal) {
  static const std::vector<std::string> ids = {
      "format",          "signature",     "chain",        "qe-signature",
      "attestation-key", "fwid",          "claims",       "platform-signature",
      "realm-signature", "realm-binding", "runtime-data", "rim-signature",
      "collateral",      "submodules",    "issuer"};
  return std::ranges::none_of(appraisal.steps, [&](const Step& step) {
    return step.outcome == Outcome::kFailed && std::ranges::find(ids, step.id) != ids.end();
  });
}

inline bool SaysTheSame(const Appraisal& a, const Appraisal& b, bool words_may_differ) {
  if (!words_may_differ) {
    return ToMarkdown(a) == ToMarkdown(b);
  }
  return a.verdict() == b.verdict() && std::ranges::equal(a.steps, b.steps, [](auto& x, auto& y) {
           return x.id == y.id && x.outcome == y.outcome;
         });
}

inline void ExpectEveryFlipIsNoticed(const FlipSubject& subject) {
  const Appraisal before = subject.appraise(subject.good);
  ASSERT_TRUE(IntegrityHolds(before)) << subject.name << ": " << before.VerdictReason();
  ASSERT_FALSE(before.steps.empty());
  Bytes bad = subject.good;
  std::size_t failures = 0;
  const std::size_t stride = LongRun() ? 1 : kStride;
  for (std::size_t at = 0; at < bad.size() && failures < 10; at += stride) {
    const auto part = std::ranges::find_if(subject.unsigned_parts, [&](const Unsigned& range) {
      return at >= range.begin && at < range.end;
    });
    for (const unsigned bit : BitsOf(at)) {
      bad[at] ^= static_cast<std::byte>(1U << bit);
      const Appraisal after = subject.appraise(bad);
      if (!IntegrityHolds(after)) {
        EXPECT_EQ(after.verdict(), Verdict::kRefused);
      } else if (part == subject.unsigned_parts.end() ||
                 !SaysTheSame(before, after, subject.unsigned_are_said)) {
        ADD_FAILURE() << subject.name << ": byte " << at << ", bit " << bit << " of "
                      << (part == subject.unsigned_parts.end() ? "a signed part" : part->why)
                      << " was changed and is not noticed: " << after.VerdictReason();
        ++failures;
      }
      bad[at] ^= static_cast<std::byte>(1U << bit);
    }
  }
}

}  // namespace casemate::attestation
