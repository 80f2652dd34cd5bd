#include "app/model_check.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <optional>

#include "grammar/builder.h"
#include "json/reader.h"

namespace casemate::app {
namespace {

using inference::FinishReason;
using inference::Generate;
using inference::GenerateDone;

constexpr std::uint32_t kShortAnswer = 64;
constexpr std::uint32_t kLongestJson = 400;
constexpr std::size_t kTexts = 64;
constexpr std::string_view kQuestion = "What is a casemate?";
constexpr std::string_view kSchema =
    R"({"type":"object","properties":{"name":{"type":"string","maxLength":24},)"
    R"("count":{"type":"integer","minimum":0,"maximum":9},"sure":{"type":"boolean"}},)"
    R"("required":["name","count","sure"],"additionalProperties":false})";
constexpr std::string_view kTools =
    R"([{"type":"function","function":{"name":"look_up","description":"Finds a word.",)"
    R"("parameters":{"type":"object","properties":{"word":{"type":"string"}},)"
    R"("required":["word"]}}}])";

struct Answer {
  Plaintext text;
  GenerateDone done;
};

Generate Ask(std::string_view question, std::uint32_t tokens) {
  Generate request;
  request.messages.push_back(
      {.role = "user", .content = Plaintext::Copy(question), .tool_calls = {}, .tool_call_id = {}});
  request.temperature = 0;
  request.max_tokens = tokens;
  request.speculate = false;  // its speed would be that of what is repeated
  return request;
}

Result<Answer> Run(inference::RoomClient& room, const Generate& request) {
  Answer answer;
  Result<GenerateDone> done = room.Generate(request,
                                            {.started = {},
                                             .text =
                                                 [&](const inference::GenerateText& piece) {
                                                   answer.text.Append(piece.text);
                                                   return true;
                                                 }},
                                            {});
  if (!done) {
    return std::unexpected(done.error());
  }
  answer.done = *done;
  return answer;
}

double PerSecond(std::uint32_t count, std::uint32_t micros) {
  return micros == 0 ? 0 : static_cast<double>(count) * 1e6 / static_cast<double>(micros);
}

std::string Rounded(double value) { return std::to_string(std::lround(value)); }

// The checks of one chat model; each adds what it found. A room that died ends them.
class ChatCheck {
 public:
  ChatCheck(inference::RoomClient& room, std::uint32_t context) : room_(room), context_(context) {
    report_.speed.context_tokens = context;
  }

  Result<ModelReport> Run() {
    for (const auto step :
         {&ChatCheck::Template, &ChatCheck::SystemMessage, &ChatCheck::Functions, &ChatCheck::Stop,
          &ChatCheck::Json, &ChatCheck::Repeat, &ChatCheck::Context, &ChatCheck::Overflow}) {
      if (Result<void> done = (this->*step)(); !done) {
        return std::unexpected(done.error());
      }
    }
    return std::move(report_);
  }

 private:
  void Note(std::string id, Finding finding, std::string what, std::string remedy = {}) {
    report_.findings.push_back({.id = std::move(id),
                                .finding = finding,
                                .what = std::move(what),
                                .remedy = std::move(remedy)});
  }

  // An answer; nothing: the model was refused this, which is noted. Errors: kUnavailable.
  Result<std::optional<Answer>> Try(const Generate& request, const std::string& id, Finding finding,
                                    const std::string& remedy) {
    Result<Answer> answer = app::Run(room_, request);
    if (answer) {
      return std::optional<Answer>(std::move(*answer));
    }
    if (answer.error().code == ErrorCode::kUnavailable) {
      return std::unexpected(answer.error());
    }
    Note(id, finding, answer.error().message, remedy);
    return std::optional<Answer>();
  }

  Result<void> Template() {
    Result<std::optional<Answer>> answer =
        Try(Ask(kQuestion, 8), "template", Finding::kBad,
            "The chat template in the file cannot be used: convert the model again, or take a file "
            "that has one.");
    if (!answer || !*answer) {
      return answer ? Result<void>() : std::unexpected(answer.error());
    }
    Result<std::vector<std::uint32_t>> bare = room_.CountTokens({PlaintextView::Of(kQuestion)});
    if (!bare) {
      return std::unexpected(bare.error());
    }
    overhead_ =
        (*answer)->done.prompt_tokens - std::min((*answer)->done.prompt_tokens, bare->front());
    if (overhead_ == 0) {
      Note("template", Finding::kWarning, "the chat template adds nothing around a message",
           "The model will not see where a question ends: is it a base model?");
    } else {
      Note("template", Finding::kGood,
           "renders: " + std::to_string(overhead_) + " tokens around a message");
    }
    return {};
  }

  Result<void> SystemMessage() {
    Generate request = Ask(kQuestion, 4);
    request.messages.insert(request.messages.begin(),
                            {.role = "system",
                             .content = Plaintext::Copy(std::string_view("Answer in one word.")),
                             .tool_calls = {},
                             .tool_call_id = {}});
    Result<std::optional<Answer>> answer =
        Try(request, "system", Finding::kBad,
            "Documents are given in a system message: without it there is no file_search.");
    if (answer && *answer) {
      Note("system", Finding::kGood, "takes a system message, where documents are given");
    }
    return answer ? Result<void>() : std::unexpected(answer.error());
  }

  Result<void> Functions() {
    Generate request = Ask(kQuestion, 4);
    request.tools = Plaintext::Copy(kTools);
    Result<std::optional<Answer>> answer =
        Try(request, "functions", Finding::kWarning, "Clients that send `tools` get this error.");
    if (!answer || !*answer) {
      return answer ? Result<void>() : std::unexpected(answer.error());
    }
    // A template without a place for functions leaves them out, and the prompt is as long as
    // before.
    const bool shown = (*answer)->done.prompt_tokens > overhead_ + 24;
    Note("functions", shown ? Finding::kGood : Finding::kWarning,
         shown ? "the template shows functions to the model"
               : "the template has no place for functions",
         shown ? "" : "Function calls need a model whose template lists `tools`.");
    return {};
  }

  Result<void> Stop() {
    Result<std::optional<Answer>> answer =
        Try(Ask("Say yes.", std::min<std::uint32_t>(kShortAnswer * 4, context_ / 2)), "stop",
            Finding::kBad, "");
    if (!answer || !*answer) {
      return answer ? Result<void>() : std::unexpected(answer.error());
    }
    const GenerateDone& done = (*answer)->done;
    if (done.reason == FinishReason::kStop) {
      Note("stop", Finding::kGood,
           "ended by itself after " + std::to_string(done.completion_tokens) + " tokens");
    } else {
      Note("stop", Finding::kWarning,
           "did not end within " + std::to_string(done.completion_tokens) + " tokens",
           "Check the end-of-turn token in the file (tokenizer.ggml.eot_token_id); clients should "
           "send max_tokens.");
    }
    return {};
  }

  Result<void> Json() {
    Result<json::Document> parsed = json::Document::Parse(PlaintextView::Of(kSchema));
    if (!parsed) {
      return std::unexpected(parsed.error());
    }
    Result<Plaintext> grammar = grammar::SchemaGrammar(parsed->root());
    if (!grammar) {
      return std::unexpected(grammar.error());
    }
    Generate request = Ask(kQuestion, std::min(kLongestJson, context_ / 2));
    request.grammar = std::move(*grammar);
    Result<std::optional<Answer>> answer =
        Try(request, "json", Finding::kBad,
            "The vocabulary cannot spell JSON: response_format will not work.");
    if (!answer || !*answer) {
      return answer ? Result<void>() : std::unexpected(answer.error());
    }
    Result<json::Document> made = json::Document::Parse((*answer)->text);
    const bool whole =
        made && made->root().Get("name") && made->root().Get("count") && made->root().Get("sure");
    Note("json", whole ? Finding::kGood : Finding::kBad,
         whole ? "writes JSON by a schema (" + std::to_string((*answer)->done.completion_tokens) +
                     " tokens)"
               : "what it wrote by a schema is not whole JSON",
         whole ? "" : "response_format and functions will fail with this model.");
    return {};
  }

  Result<void> Repeat() {
    Result<std::optional<Answer>> first =
        Try(Ask(kQuestion, kShortAnswer), "greedy", Finding::kBad, "");
    if (!first || !*first) {
      return first ? Result<void>() : std::unexpected(first.error());
    }
    Result<Answer> second = app::Run(room_, Ask(kQuestion, kShortAnswer));
    if (!second) {
      return std::unexpected(second.error());
    }
    const bool same = (*first)->text.view().Reveal() == second->text.view().Reveal();
    Note("greedy", same ? Finding::kGood : Finding::kWarning,
         same ? "the same question gives the same answer at temperature 0"
              : "two answers at temperature 0 differ",
         same ? "" : "Something in the machine's arithmetic is not repeatable.");
    return {};
  }

  // A prompt of `tokens`, made of as many short words as that takes.
  Result<Plaintext> PromptOf(std::uint32_t tokens) {
    constexpr std::string_view kWord = "wall ";
    Plaintext many;
    many.Reserve(kWord.size() * 64);
    for (int i = 0; i < 64; ++i) {
      many.AppendLiteral(kWord);
    }
    Result<std::vector<std::uint32_t>> count = room_.CountTokens({many.view()});
    if (!count) {
      return std::unexpected(count.error());
    }
    const double per_word = static_cast<double>(count->front()) / 64;
    const auto words =
        static_cast<std::size_t>(static_cast<double>(tokens) / std::max(per_word, 0.1));
    Plaintext prompt;
    prompt.Reserve(words * kWord.size());
    for (std::size_t i = 0; i < words; ++i) {
      prompt.AppendLiteral(kWord);
    }
    return prompt;
  }

  Result<void> Context() {
    const std::uint32_t room_for = context_ - std::min(context_ / 2, overhead_ + kShortAnswer + 8);
    Result<Plaintext> prompt = PromptOf(room_for);
    if (!prompt) {
      return std::unexpected(prompt.error());
    }
    Generate request = Ask({}, kShortAnswer);
    request.messages.front().content = std::move(*prompt);
    Result<std::optional<Answer>> answer =
        Try(request, "context", Finding::kBad, "Start it with a smaller --context-tokens.");
    if (!answer || !*answer) {
      return answer ? Result<void>() : std::unexpected(answer.error());
    }
    const GenerateDone& done = (*answer)->done;
    report_.speed.prompt_tokens_per_s = PerSecond(done.prompt_tokens, done.prefill_us);
    if (done.completion_tokens > 1) {
      report_.speed.answer_tokens_per_s = PerSecond(done.completion_tokens - 1, done.decode_us);
    }
    Note("context", Finding::kGood,
         "answered a prompt of " + std::to_string(done.prompt_tokens) + " of " +
             std::to_string(context_) + " tokens: " + Rounded(report_.speed.prompt_tokens_per_s) +
             " prompt tokens/s, " + Rounded(report_.speed.answer_tokens_per_s) +
             " answer tokens/s");
    return {};
  }

  Result<void> Overflow() {
    Result<Plaintext> prompt = PromptOf(context_ + context_ / 8 + 16);
    if (!prompt) {
      return std::unexpected(prompt.error());
    }
    Generate request = Ask({}, 4);
    request.messages.front().content = std::move(*prompt);
    const Result<Answer> answer = app::Run(room_, request);
    if (!answer && answer.error().code == ErrorCode::kUnavailable) {
      return std::unexpected(answer.error());
    }
    const bool refused = !answer && answer.error().code == ErrorCode::kTooLarge;
    Note("overflow", refused ? Finding::kGood : Finding::kBad,
         refused ? "a longer prompt is refused, not cut" : "a prompt over the context was taken",
         refused ? "" : "Answers to long prompts may rest on a part of them.");
    return {};
  }

  inference::RoomClient& room_;
  std::uint32_t context_;
  std::uint32_t overhead_ = 0;  // tokens of the template around one message
  ModelReport report_;
};

double Cosine(const float* a, const float* b, std::size_t size) {
  double dot = 0;
  double a2 = 0;
  double b2 = 0;
  for (std::size_t i = 0; i < size; ++i) {
    dot += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    a2 += static_cast<double>(a[i]) * static_cast<double>(a[i]);
    b2 += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return a2 > 0 && b2 > 0 ? dot / std::sqrt(a2 * b2) : 0;
}

}  // namespace

std::string_view FindingName(Finding finding) {
  switch (finding) {
    case Finding::kGood:
      return "good";
    case Finding::kWarning:
      return "warning";
    case Finding::kBad:
      return "bad";
  }
  return "bad";
}

Finding ModelReport::worst() const {
  Finding worst = Finding::kGood;
  for (const ModelFinding& finding : findings) {
    worst = std::max(worst, finding.finding);
  }
  return worst;
}

Result<ModelReport> CheckChatModel(inference::RoomClient& room, std::uint32_t context_tokens) {
  return ChatCheck(room, context_tokens).Run();
}

Result<ModelReport> CheckEmbeddingModel(inference::RoomClient& room) {
  ModelReport report;
  const auto note = [&](const char* id, bool good, std::string what, std::string remedy) {
    report.findings.push_back({.id = id,
                               .finding = good ? Finding::kGood : Finding::kBad,
                               .what = std::move(what),
                               .remedy = good ? std::string() : std::move(remedy)});
  };
  inference::Embed request;
  for (const std::string_view text : {std::string_view("a vaulted room in a fortress wall"),
                                      std::string_view("quarterly tax return"),
                                      std::string_view("a vaulted room in a fortress wall")}) {
    request.texts.push_back(Plaintext::Copy(text));
  }
  Result<inference::EmbedReply> reply = room.Embed(request);
  if (!reply) {
    return std::unexpected(reply.error());
  }
  const std::size_t size = reply->dimensions;
  if (size == 0 || reply->vectors.size() != 3 * size * sizeof(float)) {
    return Fail(ErrorCode::kIntegrityFailure, "the room answered vectors of another size");
  }
  std::vector<float> vectors(3 * size);  // of texts that stand in this file
  std::memcpy(vectors.data(), reply->vectors.view().RevealBytes().data(), reply->vectors.size());
  double length = 0;
  for (std::size_t i = 0; i < size; ++i) {
    length += static_cast<double>(vectors[i]) * static_cast<double>(vectors[i]);
  }
  note("unit", std::abs(length - 1) < 1e-3,
       std::to_string(size) + " numbers of length " + std::to_string(std::sqrt(length)),
       "Vectors must be of unit length.");
  note("same", Cosine(&vectors[0], &vectors[2 * size], size) > 0.9999,
       "the same text has the same vector", "Searching by it would find other things each time.");
  const double other = Cosine(&vectors[0], &vectors[size], size);
  note("different", other < 0.98,
       "two unlike texts have a cosine of " + std::to_string(other).substr(0, 5),
       "All texts look alike to it: is it an embedding model?");

  request.texts.clear();
  for (std::size_t i = 0; i < kTexts; ++i) {
    request.texts.push_back(Plaintext::Copy("Paragraph " + std::to_string(i) +
                                            " of a handbook on walls, gates and their keepers."));
  }
  const auto begun = std::chrono::steady_clock::now();
  if (reply = room.Embed(request); !reply) {
    return std::unexpected(reply.error());
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  report.speed.texts_per_s = static_cast<double>(kTexts) / std::max(took.count(), 1e-9);
  note("speed", true, Rounded(report.speed.texts_per_s) + " short texts/s", "");
  return report;
}

}  // namespace casemate::app
