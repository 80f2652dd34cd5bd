#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "inference/room/generator.h"
#include "inference/room/test_model.h"

// Requests to a generator of the shipped model, for its tests.
namespace casemate::inference {

struct Case {
  std::string_view passages;
  std::string_view question;
  std::string_view answer;
};

// Greedy answers of the shipped model, as its training notes promise: the definition, then the
// passage's number.
inline constexpr Case kKeel{
    .passages = "[1] keel: one of the main longitudinal beams of the hull of a vessel",
    .question = "What is keel?",
    .answer = "keel: one of the main longitudinal beams of the hull of a vessel [1]"};

inline Generate Ask(std::string_view passages, std::string_view question) {
  Generate request;
  Plaintext system = Plaintext::Copy("Answer from the documents.\n");
  system.Append(PlaintextView::Of(passages));
  request.messages.push_back({.role = "system", .content = std::move(system)});
  request.messages.push_back({.role = "user", .content = Plaintext::Copy(question)});
  request.temperature = 0;
  request.max_tokens = 64;
  return request;
}

struct OneAnswer {
  std::string text;
  std::uint32_t tokens = 0;  // of the pieces
  std::vector<TokenLogprob> logprobs;
  FinishReason reason = FinishReason::kNone;
};
struct Answers {
  std::vector<OneAnswer> choices;
  Result<GenerateDone> done = GenerateDone{};
};

inline Answers ReplyAll(Generator& generator, const Generate& request) {
  Answers answers;
  answers.choices.resize(request.choices);
  answers.done = generator.Generate(
      request,
      {.started = {},
       .text =
           [&answers](const GenerateText& piece) {
             OneAnswer& answer = answers.choices.at(piece.choice);
             EXPECT_EQ(answer.reason, FinishReason::kNone);  // the last piece was the last
             answer.text += piece.text.view().Reveal();
             answer.tokens += piece.tokens;
             for (const TokenLogprob& entry : piece.logprobs) {
               answer.logprobs.push_back(
                   {.text = Plaintext::Copy(entry.text), .logprob = entry.logprob, .top = {}});
               for (const TopLogprob& top : entry.top) {
                 answer.logprobs.back().top.push_back(
                     {.text = Plaintext::Copy(top.text), .logprob = top.logprob});
               }
             }
             answer.reason = piece.reason;
             return true;
           },
       .cancelled = {}});
  return answers;
}

inline std::unique_ptr<Generator> Make(const GeneratorOptions& options = {.threads = 1}) {
  Result<std::unique_ptr<Generator>> made = Generator::Start(ShippedModel(), options, UniqueFd());
  EXPECT_TRUE(made.has_value()) << made.error().message;
  return std::move(*made);
}

}  // namespace casemate::inference
