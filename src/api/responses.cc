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
#include "base/log.h"

namespace casemate::api {
namespace {

constexpr std::size_t kUsualPassages = 4;
constexpr std::string_view kNothingFound = "The documents do not say.";

inference::ChatMessage Copied(const inference::ChatMessage& message) {
  return {.role = message.role, .content = Plaintext::Copy(message.content.view())};
}

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
  Making(Exchange& exchange, const ResponseRequest& request, const custody::Ticket& ticket,
         std::uint32_t context_tokens)
      : exchange_(exchange),
        request_(request),
        ticket_(ticket),
        context_tokens_(context_tokens),
        state_(request),
        events_(exchange, state_) {}

  Result<void> Run(inference::RoomClient& room) {
    inference::Generate generate;
    if (Result<void> prepared = Prepare(room, generate); !prepared) {
      return prepared;
    }
    if (state_.searched && passages_.empty()) {
      return AnswerNothingFound();
    }
    Result<inference::GenerateDone> done = Generate(room, generate);
    if (!done) {
      return GiveUp(done.error());
    }
    state_.done = *done;
    for (std::size_t cited : FindCitations(state_.text, passages_.size())) {
      state_.cited.push_back(passages_[cited]);
    }
    return Deliver();
  }

 private:
  Result<void> Prepare(inference::RoomClient& room, inference::Generate& generate) {
    generate.max_tokens = request_.sampling.max_tokens;
    generate.temperature = request_.sampling.temperature;
    generate.top_p = request_.sampling.top_p;
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
        AssemblePrompt(room, state_.hits, conversation, request_.input.back().content, options);
    if (!grounded) {
      return std::unexpected(grounded.error());
    }
    generate.messages = std::move(grounded->messages);
    passages_ = std::move(grounded->passages);
    return {};
  }

  // Before the stream starts, so that an unknown vector store is a 404 in both forms.
  Result<void> Search() {
    const FileSearch& search = *request_.file_search;
    const std::size_t limit = search.max_num_results.value_or(2 * kUsualPassages);
    Result<std::vector<retrieval::SearchHit>> hits = exchange_.services().library.Search(
        ticket_, search.collections, request_.input.back().content.view().Part(0, kMaxQueryBytes),
        limit);
    if (!hits) {
      return About(hits.error(),
                   hits.error().code == ErrorCode::kNotFound ? "tools" : std::string_view());
    }
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
      state_.text.Append(piece.text);
      return !request_.stream || events_.Text(piece.text).has_value();
    };
    return room.Generate(generate, sink, [&] { return exchange_.cancelled() || ticket_.over(); });
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
    state_.text = Plaintext::Copy(kNothingFound);
    if (request_.stream) {
      if (Result<void> started = StartStream(); !started) {
        return started;
      }
      if (Result<void> sent = events_.Text(state_.text); !sent) {
        return sent;
      }
    }
    return Deliver();
  }

  Result<void> Deliver() {
    state_.completed = UnixSeconds();
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
  const ResponseRequest& request_;
  const custody::Ticket& ticket_;
  std::uint32_t context_tokens_;
  ResponseState state_;
  ResponseEvents events_;
  std::vector<std::size_t> passages_;
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
  Result<custody::Ticket> ticket =
      exchange.NewTicket(search ? SearchScope(request->file_search->collections) : Scope{});
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
