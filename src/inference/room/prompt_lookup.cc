#include "inference/room/prompt_lookup.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace casemate::inference {
namespace {

constexpr std::array<std::size_t, 2> kMatchLengths = {3, 2};
constexpr std::array<std::size_t, 3> kLengths = {2, 4, kMaxDraft};
constexpr double kWeight = 0.1;        // of the newest measurement in an average
constexpr std::size_t kTryEvery = 64;  // questions between trials of what seems not to pay
constexpr double kWorthwhile = 1.05;   // gain below which nothing is drafted

}  // namespace

TokenBuffer LookUpDraft(std::span<const std::int32_t> prompt, std::span<const std::int32_t> answer,
                        std::size_t count) {
  TokenBuffer draft;
  const std::size_t total = prompt.size() + answer.size();
  const auto at = [&](std::size_t i) {
    return i < prompt.size() ? prompt[i] : answer[i - prompt.size()];
  };
  for (const std::size_t length : kMatchLengths) {
    if (total <= length) {
      continue;
    }
    // The latest place first: a text goes on where it left off.
    for (std::size_t start = total - length; start-- > 0;) {
      std::size_t same = 0;
      while (same < length && at(start + same) == at(total - length + same)) {
        ++same;
      }
      if (same < length) {
        continue;
      }
      for (std::size_t i = start + length; i < total && draft.size() < count; ++i) {
        draft.Append(at(i));
      }
      return draft;
    }
  }
  return draft;
}

double DraftLength::Cost(std::size_t tokens) const {
  const auto found = micros_.find(tokens);
  return found == micros_.end() ? 0 : found->second;
}

std::size_t DraftLength::Choose(std::size_t streams) {
  ++asked_;
  const double plain = Cost(streams);
  if (plain == 0) {
    return 0;
  }
  std::size_t best = 0;
  double best_gain = kWorthwhile;
  for (const std::size_t length : kLengths) {
    const double cost = Cost(streams + length);
    if (cost == 0) {
      return length;  // not measured yet
    }
    // Tokens that come of a draft on average: 1 + a + a^2 + ... + a^length.
    double tokens = 0;
    for (std::size_t i = 0; i <= length; ++i) {
      tokens += std::pow(accepted_, static_cast<double>(i));
    }
    const auto others = static_cast<double>(streams - 1);
    const double gain = (tokens + others) / cost / ((1 + others) / plain);
    if (gain > best_gain) {
      best = length;
      best_gain = gain;
    }
  }
  if (best == 0 && asked_ % kTryEvery == 0) {
    return kLengths[0];  // machines and texts change
  }
  return best;
}

void DraftLength::NoteStep(std::size_t tokens, double micros) {
  const auto [at, fresh] = micros_.try_emplace(tokens, micros);
  if (!fresh) {
    at->second += kWeight * (micros - at->second);
  }
}

void DraftLength::NoteDraft(std::size_t drafted, std::size_t accepted) {
  if (drafted > 0) {
    const double share = static_cast<double>(accepted) / static_cast<double>(drafted);
    accepted_ += kWeight * (share - accepted_);
  }
}

}  // namespace casemate::inference
