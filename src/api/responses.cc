#include <algorithm>
#include <functional>
#include <memory>

#include "api/endpoints.h"
#include "api/errors.h"
#include "api/grounding.h"
#include "api/models.h"
#include "api/response_events.h"
#include "api/response_object.h"
#include "api/response_request.h"
#include "api/search.h"
#include "api/tool_calls.h"
#include "base/log.h"

namespace casemate::api {
namespace {

constexpr std::size_t kUsualPassages = 4;
constexpr std::string_view kNothingFound = "The documents do not say.";

// Instructions first, then the input as it came.
std::vector<inference::ChatMessage> Conversation(const ResponseRequest& request) {
  std::vector<inference::ChatMessage> messages;
  if (request.instructions) {
    messages.push_back(
        {.role = "system", .content = Plaintext::Copy(request.instructions->view())});
  }
  for (const inference::ChatMessage& message : request.input) {
    messages.push_back(Copied(message));
  }
  return messages;
}

// One response being made.
class Making {
 public:
  Making(Exchange& exchange, ResponseRequest& request, const custody::Ticket& ticket,
         std::uint32_t context_tokens)
      : exchange_(exchange),
        request_(request),
        ticket_(ticket),
        context_tokens_(context_tokens),
        state_(request),
        events_(exchange, state_) {
    if (!request.functions.empty()) {
      reader_.emplace(request.functions);
    }
    state_.label = exchange.LabelName(exchange.label());
  }

  Result<void> Run(inference::RoomClient& room) {
    inference::Generate& generate = request_.sampling;
    generate.share = exchange_.share();
    if (Result<void> prepared = Prepare(room, generate); !prepared) {
      return prepared;
    }
    // Where JSON or a call is wanted, the model is asked all the same: our words would be neither.
    if (state_.searched && state_.passages.empty() && generate.grammar.empty() && !reader_) {
      return AnswerNothingFound();
    }
    Result<inference::GenerateDone> done = Generate(room, generate);
    if (!done) {
      return GiveUp(done.error());
    }
    state_.done = *done;
    if (reader_) {
      if (Result<void> added = Add(reader_->End(), {}); !added) {
        return added;
      }
    }
    Cite();
    return Deliver();
  }

 private:
  Result<void> Prepare(inference::RoomClient& room, inference::Generate& generate) {
    std::vector<inference::ChatMessage> conversation = Conversation(request_);
    if (!request_.file_search || request_.tool_choice == "none") {
      generate.messages = std::move(conversation);
      return {};
    }
    if (Result<void> searched = Search(); !searched) {
      return searched;
    }
    GroundingOptions options{.context_tokens = context_tokens_};
    options.max_passages = request_.file_search->max_num_results.value_or(kUsualPassages);
    if (generate.max_tokens > 0) {
      options.answer_tokens = generate.max_tokens;
    }
    Result<Grounded> grounded =
        AssemblePrompt(room, state_.hits, conversation, QuestionOf(request_), options);
    if (!grounded) {
      return std::unexpected(grounded.error());
    }
    generate.messages = std::move(grounded->messages);
    state_.passages = std::move(grounded->passages);
    lines_ = std::move(grounded->lines);
    HoldToPassages(request_.quotes.quotes, lines_, generate);
    return {};
  }

  // Before the stream starts, so that an unknown vector store is a 404 in both forms.
  Result<void> Search() {
    const FileSearch& search = *request_.file_search;
    const std::size_t limit = search.max_num_results.value_or(2 * kUsualPassages);
    Result<std::vector<retrieval::SearchHit>> hits = exchange_.services().library.Search(
        ticket_, search.collections, QuestionOf(request_).Part(0, kMaxQueryBytes), limit);
    if (!hits) {
      return About(hits.error(),
                   hits.error().code == ErrorCode::kNotFound ? "tools" : std::string_view());
    }
    // What was opened counts, not what the model was shown of it.
    for (const retrieval::SearchHit& hit : *hits) {
      exchange_.Touch(hit.label);
    }
    state_.label = exchange_.LabelName(exchange_.label());
    state_.searched = true;
    state_.hits = std::move(*hits);
    std::erase_if(state_.hits, [&](const retrieval::SearchHit& hit) {
      return hit.score < search.score_threshold;
    });
    return {};
  }

  Result<inference::GenerateDone> Generate(inference::RoomClient& room,
                                           const inference::Generate& generate) {
    inference::RoomClient::Sink sink;
    sink.started = [&](const inference::GenerateStarted&) {
      return !request_.stream || StartStream().has_value();
    };
    sink.text = [&](const inference::GenerateText& piece) {
      std::vector<AnswerPart> parts;
      if (reader_) {
        parts = reader_->Feed(piece.text);
      } else if (!piece.text.empty()) {
        parts.emplace_back(Plaintext::Copy(piece.text.view()));
      }
      return Add(std::move(parts), piece.logprobs).has_value();
    };
    return room.Generate(generate, sink, [&] { return exchange_.cancelled() || ticket_.over(); });
  }

  // Parts of the answer, as they come. `logprobs` of tokens whose text may come later.
  Result<void> Add(std::vector<AnswerPart> parts, const Logprobs& logprobs) {
    for (const inference::TokenLogprob& token : logprobs) {
      state_.logprobs.push_back(
          {.text = Plaintext::Copy(token.text.view()), .logprob = token.logprob});
      for (const inference::TopLogprob& top : token.top) {
        state_.logprobs.back().top.push_back(
            {.text = Plaintext::Copy(top.text.view()), .logprob = top.logprob});
      }
    }
    for (AnswerPart& part : parts) {
      Result<void> added = std::holds_alternative<Plaintext>(part)
                               ? AddText(std::get<Plaintext>(part), logprobs)
                               : AddCall(std::move(std::get<ToolCall>(part)));
      if (!added) {
        return added;
      }
    }
    return {};
  }

  Result<void> OpenMessage() {
    if (std::find(state_.items.begin(), state_.items.end(), ResponseState::kMessage) !=
        state_.items.end()) {
      return {};
    }
    state_.items.push_back(ResponseState::kMessage);
    return request_.stream ? events_.OpenMessage() : Result<void>();
  }

  Result<void> AddText(PlaintextView text, const Logprobs& logprobs) {
    if (Result<void> opened = OpenMessage(); !opened) {
      return opened;
    }
    state_.text.Append(text);
    return request_.stream ? events_.Text(text, logprobs) : Result<void>();
  }

  Result<void> AddCall(ToolCall call) {
    state_.items.push_back(state_.calls.size());
    state_.calls.push_back(std::move(call));
    state_.call_item_ids.push_back(crypto::RandomId<Id<FunctionCallTag>>().ToString());
    return request_.stream ? events_.Call(state_.calls.size() - 1) : Result<void>();
  }

  // Quotations first, each of them; then the passages that are only named.
  void Cite() {
    std::vector<Quotation> quotations;
    if (request_.quotes.quotes != Quotes::kFree) {
      quotations = FindQuotations(state_.text, lines_);
    }
    for (const Quotation& quotation : quotations) {
      if (!quotation.verified) {
        Log(LogLevel::kError, "a quotation is not of its passage",
            {{"passage", quotation.passage}});
      }
      state_.citations.push_back({state_.passages[quotation.passage], quotation});
    }
    for (std::size_t cited : FindCitations(state_.text, state_.passages.size())) {
      const bool quoted = std::any_of(quotations.begin(), quotations.end(),
                                      [&](const auto& each) { return each.passage == cited; });
      if (!quoted) {
        state_.citations.push_back({state_.passages[cited], std::nullopt});
      }
    }
  }

  Result<void> StartStream() {
    if (Result<void> started = exchange_.StartEvents(); !started) {
      return started;
    }
    return events_.Start();
  }

  // The model never says that the documents do not say, so it is not asked.
  Result<void> AnswerNothingFound() {
    state_.hits.clear();
    if (request_.stream) {
      if (Result<void> started = StartStream(); !started) {
        return started;
      }
    }
    if (Result<void> added = AddText(PlaintextView::Of(kNothingFound), {}); !added) {
      return added;
    }
    return Deliver();
  }

  Result<void> Deliver() {
    state_.completed = UnixSeconds();
    if (state_.items.empty()) {
      if (Result<void> opened = OpenMessage(); !opened) {
        return opened;
      }
    }
    if (request_.stream) {
      return events_.Finish();
    }
    json::Writer writer;
    WriteResponse(writer, state_, EndStatus(state_));
    return exchange_.SendJson(writer.Take());
  }

  Result<void> GiveUp(Error error) {
    if (!exchange_.started()) {
      const std::string_view param = error.code == ErrorCode::kTooLarge ? "input" : "";
      return About(std::move(error), param);
    }
    LogError("response failed", error);
    state_.failure = std::move(error);
    return events_.Failed();
  }

  Exchange& exchange_;
  ResponseRequest& request_;
  const custody::Ticket& ticket_;
  std::uint32_t context_tokens_;
  ResponseState state_;
  ResponseEvents events_;
  std::optional<ToolCallReader> reader_;  // where functions may be called
  std::vector<Plaintext> lines_;          // passage [n] as the prompt has it
};

}  // namespace

Result<void> CreateResponse(Exchange& exchange, const Ids&) {
  Result<json::Document> body = exchange.ParseBody();
  if (!body) {
    return std::unexpected(body.error());
  }
  Result<ResponseRequest> request = ParseResponseRequest(body->root());
  if (!request) {
    return std::unexpected(request.error());
  }
  exchange.Ignore(request->ignored);
  Result<custody::ModelEntry> model = FindModel(exchange, request->model, "chat");
  if (!model) {
    return std::unexpected(model.error());
  }
  const bool search = request->file_search && request->tool_choice != "none";
  // Answers from documents are wanted word for word unless the caller says otherwise.
  if (search && !request->temperature_given) {
    request->sampling.temperature = 0;
  }
  Result<custody::Ticket> ticket = exchange.NewTicket(
      search ? SearchScope(request->file_search->collections) : Scope{.receipt = true});
  if (!ticket) {
    return std::unexpected(ticket.error());
  }
  Result<std::shared_ptr<inference::RoomClient>> room =
      exchange.services().rooms.Room(request->model);
  if (!room) {
    return std::unexpected(room.error());
  }
  return Making(exchange, *request, *ticket, model->context_tokens).Run(**room);
}

}  // namespace casemate::api
