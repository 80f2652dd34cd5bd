#include "api/response_object.h"

#include "api/search.h"

namespace casemate::api {
namespace {

void WriteTools(json::Writer& writer, const ResponseRequest& request) {
  writer.BeginArray();
  if (request.file_search) {
    writer.BeginObject();
    writer.Key("type").String("file_search");
    writer.Key("vector_store_ids").BeginArray();
    for (const CollectionId& id : request.file_search->collections) {
      writer.String(id.ToString());
    }
    writer.EndArray();
    writer.Key("filters").Null();
    if (request.file_search->max_num_results) {
      writer.Key("max_num_results")
          .Integer(static_cast<std::int64_t>(*request.file_search->max_num_results));
    }
    writer.Key("ranking_options").BeginObject();
    writer.Key("ranker").String("auto");
    writer.Key("score_threshold").Number(request.file_search->score_threshold);
    writer.EndObject().EndObject();
  }
  for (const Plaintext& function : request.tools_json) {
    writer.Raw(function);
  }
  writer.EndArray();
}

void WriteUsage(json::Writer& writer, const ResponseState& state) {
  const inference::GenerateDone done = state.done.value_or(inference::GenerateDone{});
  writer.BeginObject();
  writer.Key("input_tokens").Integer(done.prompt_tokens);
  writer.Key("input_tokens_details").BeginObject();
  writer.Key("cached_tokens").Integer(0);
  writer.Key("cache_write_tokens").Integer(0);
  writer.EndObject();
  writer.Key("output_tokens").Integer(done.completion_tokens);
  writer.Key("output_tokens_details").BeginObject();
  writer.Key("reasoning_tokens").Integer(0);
  writer.EndObject();
  writer.Key("total_tokens").Integer(std::int64_t{done.prompt_tokens} + done.completion_tokens);
  writer.EndObject();
}

void WriteOutcome(json::Writer& writer, const ResponseState& state, std::string_view status) {
  const bool ended = status == "completed" || status == "incomplete";
  writer.Key("completed_at");
  status == "completed" ? writer.Integer(state.completed) : writer.Null();
  writer.Key("error");
  if (state.failure) {
    writer.BeginObject().Key("code").String("server_error");
    writer.Key("message").String(state.failure->message).EndObject();
  } else {
    writer.Null();
  }
  writer.Key("incomplete_details");
  if (status == "incomplete") {
    writer.BeginObject().Key("reason").String("max_output_tokens").EndObject();
  } else {
    writer.Null();
  }
  writer.Key("output").BeginArray();
  if (ended) {
    if (state.searched) {
      WriteSearchCall(writer, state, "completed");
    }
    for (std::size_t item : state.items) {
      if (item == ResponseState::kMessage) {
        WriteMessage(writer, state, status);
      } else {
        WriteFunctionCall(writer, state, item, true);
      }
    }
  }
  writer.EndArray();
  writer.Key("usage");
  if (ended) {
    WriteUsage(writer, state);
  } else {
    writer.Null();
  }
}

}  // namespace

PlaintextView QuestionOf(const ResponseRequest& request) {
  for (auto message = request.input.rbegin(); message != request.input.rend(); ++message) {
    if (message->role == "user") {
      return message->content;
    }
  }
  return request.input.back().content;
}

std::string_view EndStatus(const ResponseState& state) {
  return state.done && state.done->reason == inference::FinishReason::kLength ? "incomplete"
                                                                              : "completed";
}

void WriteResponse(json::Writer& writer, const ResponseState& state, std::string_view status) {
  const ResponseRequest& request = state.request;
  writer.BeginObject();
  writer.Key("id").String(state.id);
  writer.Key("object").String("response");
  writer.Key("created_at").Integer(state.created);
  writer.Key("status").String(status);
  writer.Key("background").Bool(false);
  WriteOutcome(writer, state, status);
  writer.Key("instructions");
  if (request.instructions) {
    writer.Content(*request.instructions);
  } else {
    writer.Null();
  }
  writer.Key("max_output_tokens");
  request.sampling.max_tokens > 0 ? writer.Integer(request.sampling.max_tokens) : writer.Null();
  writer.Key("model").String(request.model);
  writer.Key("parallel_tool_calls").Bool(request.parallel_tool_calls);
  writer.Key("previous_response_id").Null();
  writer.Key("reasoning").BeginObject().Key("effort").Null().Key("summary").Null().EndObject();
  writer.Key("store").Bool(false);
  writer.Key("temperature").Number(request.sampling.temperature);
  writer.Key("text").BeginObject().Key("format");
  if (request.format_json.empty()) {
    writer.BeginObject().Key("type").String("text").EndObject();
  } else {
    writer.Raw(request.format_json);
  }
  writer.EndObject();
  writer.Key("tool_choice");
  if (request.tool_choice == "file_search") {
    writer.BeginObject().Key("type").String("file_search").EndObject();
  } else if (!request.tool_choice_json.empty()) {
    writer.Raw(request.tool_choice_json);
  } else {
    writer.String(request.tool_choice);
  }
  writer.Key("tools");
  WriteTools(writer, request);
  writer.Key("top_logprobs").Integer(request.sampling.top_logprobs);
  writer.Key("top_p").Number(request.sampling.top_p);
  writer.Key("truncation").String("disabled");
  writer.Key("user").Null();
  // Says apart an answer made from passages and one made because there were none.
  writer.Key("metadata").BeginObject();
  if (state.searched) {
    writer.Key("casemate_grounding").String(state.hits.empty() ? "none" : "passages");
  }
  writer.EndObject();
  writer.Key("casemate").BeginObject().Key("label").String(state.label).EndObject();
  writer.EndObject();
}

void WriteSearchCall(json::Writer& writer, const ResponseState& state, std::string_view status) {
  writer.BeginObject();
  writer.Key("id").String(state.call_id);
  writer.Key("type").String("file_search_call");
  writer.Key("status").String(status);
  writer.Key("queries").BeginArray();
  if (status == "completed") {
    writer.Content(QuestionOf(state.request));
  }
  writer.EndArray();
  writer.Key("results");
  if (status != "completed" || !state.request.include_results) {
    writer.Null().EndObject();
    return;
  }
  writer.BeginArray();
  for (const retrieval::SearchHit& hit : state.hits) {
    writer.BeginObject();
    writer.Key("attributes");
    WriteAttributes(writer, hit);
    writer.Key("file_id").String(hit.file.ToString());
    writer.Key("filename").Content(hit.file_name);
    writer.Key("score").Number(hit.score);
    writer.Key("text").Content(hit.text);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
}

void WriteMessage(json::Writer& writer, const ResponseState& state, std::string_view status) {
  writer.BeginObject();
  writer.Key("id").String(state.message_id);
  writer.Key("type").String("message");
  writer.Key("status").String(status);
  writer.Key("role").String("assistant");
  writer.Key("content").BeginArray();
  if (status != "in_progress") {
    WritePart(writer, state, true);
  }
  writer.EndArray();
  writer.EndObject();
}

void WritePart(json::Writer& writer, const ResponseState& state, bool whole) {
  writer.BeginObject();
  writer.Key("type").String("output_text");
  writer.Key("annotations").BeginArray();
  if (whole) {
    for (const ResponseCitation& citation : state.citations) {
      WriteAnnotation(writer, state, citation);
    }
  }
  writer.EndArray();
  writer.Key("logprobs");
  const Logprobs none;
  WriteResponseLogprobs(writer, whole ? state.logprobs : none, true);
  writer.Key("text").Content(whole ? state.text.view() : PlaintextView());
  writer.EndObject();
}

void WriteAnnotation(json::Writer& writer, const ResponseState& state,
                     const ResponseCitation& citation) {
  const retrieval::SearchHit& hit = state.hits[citation.hit];
  writer.BeginObject();
  writer.Key("type").String("file_citation");
  writer.Key("index").Integer(static_cast<std::int64_t>(citation.hit));
  writer.Key("file_id").String(hit.file.ToString());
  writer.Key("filename").Content(hit.file_name);
  WritePlace(writer, hit);
  if (citation.quotation) {
    const Quotation& quotation = *citation.quotation;
    writer.Key("casemate_quote").BeginObject();
    WriteQuotation(writer, quotation);
    const PlaintextView words = state.text.view().Part(
        quotation.answer_begin, quotation.answer_end - quotation.answer_begin);
    if (const auto place = FindInDocument(hit.text, words); place && quotation.verified) {
      writer.Key("document_begin").Integer(static_cast<std::int64_t>(hit.begin + place->first));
      writer.Key("document_end").Integer(static_cast<std::int64_t>(hit.begin + place->second));
    }
    writer.EndObject();
  }
  writer.EndObject();
}

void WriteFunctionCall(json::Writer& writer, const ResponseState& state, std::size_t call,
                       bool whole) {
  writer.BeginObject();
  writer.Key("id").String(state.call_item_ids[call]);
  writer.Key("type").String("function_call");
  writer.Key("status").String(whole ? "completed" : "in_progress");
  writer.Key("call_id").String(state.calls[call].id);
  writer.Key("name").String(state.calls[call].name);
  writer.Key("arguments").Content(whole ? state.calls[call].arguments.view() : PlaintextView());
  writer.EndObject();
}

}  // namespace casemate::api
