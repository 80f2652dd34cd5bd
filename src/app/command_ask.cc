#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "app/command_api.h"
#include "app/command_line.h"
#include "app/command_output.h"
#include "app/command_server.h"
#include "base/file.h"
#include "json/copy.h"

namespace casemate::app {
namespace {

struct AskOptions {
  std::string dir;
  std::string tenant;
  std::string collection;
  std::string model = "casemate-answer";
  std::string question;
  std::string quotes;
  std::string schema_file;
  std::string temperature;
  std::string seed;
  std::uint64_t max_tokens = 0;
  bool json = false;
  bool stream = false;
};

// A quotation of the answer, as the server checked it.
struct Quotation {
  std::int64_t passage = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool verified = false;
};

// Where an answer says that something stands. Views into the answer's document.
struct Citation {
  PlaintextView document;
  std::string file_id;
  PlaintextView heading;
  PlaintextView quote;
  std::int64_t page = 0;  // 0: the document has none
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::optional<Quotation> quotation;
};

// What a response object tells, whichever way it came. Views into its document.
struct Answer {
  PlaintextView text;
  bool grounded = false;
  std::vector<Citation> citations;
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
};

// A number as JSON has it, from an option. Errors: kInvalidArgument.
Result<void> WriteNumber(json::Writer& writer, std::string_view key, const std::string& text) {
  if (text.empty()) {
    return {};
  }
  Result<json::Document> number = json::Document::Parse(PlaintextView::Of(text));
  if (!number || (number->root().kind() != json::Value::Kind::kInteger &&
                  number->root().kind() != json::Value::Kind::kNumber)) {
    return Fail(ErrorCode::kInvalidArgument,
                "--" + std::string(key) + " takes a number, found '" + text + "'");
  }
  writer.Key(key).Raw(PlaintextView::Of(text));
  return {};
}

// The schema goes to the server as it is; what is not served of it is refused there, with its
// place.
Result<void> WriteSchema(json::Writer& writer, const std::string& file) {
  constexpr std::size_t kMaxSchemaBytes = std::size_t{256} * 1024;
  if (file.empty()) {
    return {};
  }
  Result<Bytes> bytes = ReadFile(file, kMaxSchemaBytes);
  if (!bytes) {
    return Wrap(bytes.error(), "--schema " + file);
  }
  Result<json::Document> schema = json::Document::Parse(PlaintextView::Of(ByteView(*bytes)));
  if (!schema) {
    return Wrap(schema.error(), "--schema " + file);
  }
  writer.Key("text").BeginObject().Key("format").BeginObject();
  writer.Key("type").String("json_schema").Key("name").String("answer").Key("strict").Bool(true);
  writer.Key("schema");
  json::Copy(writer, schema->root());
  writer.EndObject().EndObject();
  return {};
}

Result<Plaintext> MakeRequest(const AskOptions& options, const std::string& collection_id) {
  json::Writer writer;
  writer.BeginObject().Key("model").String(options.model);
  writer.Key("input").Content(PlaintextView::Of(options.question));
  writer.Key("tools").BeginArray().BeginObject().Key("type").String("file_search");
  writer.Key("vector_store_ids").BeginArray().String(collection_id).EndArray();
  writer.EndObject().EndArray();
  writer.Key("include").BeginArray().String("file_search_call.results").EndArray();
  writer.Key("stream").Bool(options.stream);
  // What is quoted is right by construction unless asked otherwise; a schema leaves no room for it.
  const std::string quotes = !options.quotes.empty()       ? options.quotes
                             : options.schema_file.empty() ? "verbatim"
                                                           : "free";
  writer.Key("casemate").BeginObject().Key("quotes").String(quotes).EndObject();
  if (options.max_tokens > 0) {
    writer.Key("max_output_tokens").Integer(static_cast<std::int64_t>(options.max_tokens));
  }
  for (const auto& [key, text] :
       {std::pair("temperature", &options.temperature), std::pair("seed", &options.seed)}) {
    if (Result<void> written = WriteNumber(writer, key, *text); !written) {
      return std::unexpected(written.error());
    }
  }
  if (Result<void> written = WriteSchema(writer, options.schema_file); !written) {
    return std::unexpected(written.error());
  }
  writer.EndObject();
  return writer.Take();
}

std::vector<json::Value> ElementsOf(const json::Value& object, std::string_view key) {
  const std::optional<json::Value> value = object.GetSet(key);
  return value ? value->Elements() : std::vector<json::Value>();
}

Citation ReadCitation(const json::Value& annotation, const std::vector<json::Value>& results) {
  Citation citation{.document = ContentOf(annotation, "filename"),
                    .file_id = TextOf(annotation, "file_id"),
                    .heading = {},
                    .quote = {}};
  const std::int64_t index = NumberOf(annotation, "index");
  if (index >= 0 && static_cast<std::size_t>(index) < results.size()) {
    const json::Value& result = results[static_cast<std::size_t>(index)];
    citation.quote = ContentOf(result, "text");
    if (const std::optional<json::Value> place = result.GetSet("attributes")) {
      citation.heading = ContentOf(*place, "heading");
      citation.page = NumberOf(*place, "page");
      citation.begin = NumberOf(*place, "begin");
      citation.end = NumberOf(*place, "end");
    }
  }
  if (const std::optional<json::Value> quote = annotation.GetSet("casemate_quote")) {
    const std::optional<json::Value> verified = quote->GetSet("verified");
    citation.quotation = Quotation{.passage = NumberOf(*quote, "passage"),
                                   .begin = NumberOf(*quote, "answer_begin"),
                                   .end = NumberOf(*quote, "answer_end"),
                                   .verified = verified && verified->AsBool().value_or(false)};
  }
  return citation;
}

Answer ReadAnswer(const json::Value& response) {
  Answer answer;
  std::vector<json::Value> results;
  for (const json::Value& item : ElementsOf(response, "output")) {
    if (TextOf(item, "type") == "file_search_call") {
      results = ElementsOf(item, "results");
      continue;
    }
    for (const json::Value& part : ElementsOf(item, "content")) {
      answer.text = ContentOf(part, "text");
      for (const json::Value& annotation : ElementsOf(part, "annotations")) {
        answer.citations.push_back(ReadCitation(annotation, results));
      }
    }
  }
  if (const std::optional<json::Value> metadata = response.GetSet("metadata")) {
    answer.grounded = TextOf(*metadata, "casemate_grounding") == "passages";
  }
  if (const std::optional<json::Value> usage = response.GetSet("usage")) {
    answer.input_tokens = NumberOf(*usage, "input_tokens");
    answer.output_tokens = NumberOf(*usage, "output_tokens");
  }
  return answer;
}

PlaintextView WordsOf(const Answer& answer, const Quotation& quotation) {
  return answer.text.Part(static_cast<std::size_t>(quotation.begin),
                          static_cast<std::size_t>(quotation.end - quotation.begin));
}

void PrintAnswerJson(const Answer& answer, const std::string& receipt) {
  json::Writer writer;
  writer.BeginObject().Key("answer").Content(answer.text);
  writer.Key("grounded").Bool(answer.grounded);
  writer.Key("citations").BeginArray();
  for (const Citation& citation : answer.citations) {
    writer.BeginObject().Key("document").Content(citation.document);
    writer.Key("file_id").String(citation.file_id);
    writer.Key("heading").Content(citation.heading);
    if (citation.page > 0) {
      writer.Key("page").Integer(citation.page);
    }
    writer.Key("begin").Integer(citation.begin).Key("end").Integer(citation.end);
    writer.Key("quote").Content(citation.quote).EndObject();
  }
  writer.EndArray();
  writer.Key("quotations").BeginArray();
  for (const Citation& citation : answer.citations) {
    if (citation.quotation) {
      writer.BeginObject().Key("document").Content(citation.document);
      writer.Key("passage").Integer(citation.quotation->passage);
      writer.Key("text").Content(WordsOf(answer, *citation.quotation));
      writer.Key("verified").Bool(citation.quotation->verified).EndObject();
    }
  }
  writer.EndArray();
  writer.Key("receipt_id");
  if (receipt.empty()) {
    writer.Null();
  } else {
    writer.String(receipt);
  }
  writer.Key("usage").BeginObject().Key("input_tokens").Integer(answer.input_tokens);
  writer.Key("output_tokens").Integer(answer.output_tokens).EndObject().EndObject();
  PrintJson(writer.Take());
}

void PrintCitations(const Answer& answer) {
  for (const Citation& citation : answer.citations) {
    PrintContent(PlaintextView::Of("  from "));
    PrintContent(citation.document);
    if (citation.page > 0) {
      PrintContent(PlaintextView::Of(", page " + std::to_string(citation.page)));
    }
    if (!citation.heading.empty()) {
      PrintContent(PlaintextView::Of(", under \""));
      PrintContent(citation.heading);
      PrintContent(PlaintextView::Of("\""));
    }
    PrintLine(", bytes " + std::to_string(citation.begin) + " to " + std::to_string(citation.end) +
              (!citation.quotation            ? ""
               : citation.quotation->verified ? ", quoted word for word"
                                              : ", NOT what stands there"));
  }
}

Result<ExitStatus> RunWhole(ApiClient& client, const AskOptions& options, PlaintextView request) {
  Result<ApiClient::Answer> response = client.Call("POST", "/v1/responses", request);
  if (!response) {
    return std::unexpected(response.error());
  }
  const Answer answer = ReadAnswer(response->body.root());
  if (options.json) {
    const auto receipt =
        std::ranges::find(response->headers, "x-casemate-receipt", &net::Header::name);
    PrintAnswerJson(answer, receipt == response->headers.end() ? "" : receipt->value);
    return ExitStatus::kOk;
  }
  PrintContent(answer.text);
  PrintLine("");
  PrintCitations(answer);
  return ExitStatus::kOk;
}

// What the end of a stream tells.
struct StreamEnd {
  std::optional<json::Document> completed;  // the event that carries the whole response
  std::string receipt;
};

// One event of the stream.
Result<void> OnEvent(PlaintextView data, bool json, StreamEnd& end) {
  if (data.Reveal() == "[DONE]") {
    return {};
  }
  Result<json::Document> event = json::Document::Parse(data);
  if (!event) {
    return Wrap(event.error(), "the server's stream");
  }
  const json::Value root = event->root();
  const std::string type = TextOf(root, "type");
  if (type == "response.output_text.delta" && !json) {
    PrintContent(ContentOf(root, "delta"));
  }
  if (type == "casemate.receipt") {
    end.receipt = TextOf(root, "id");
  }
  const std::optional<json::Value> response = root.GetSet("response");
  if (type == "response.failed" || root.Get("error")) {
    const std::optional<json::Value> error =
        response ? response->GetSet("error") : root.GetSet("error");
    return Fail(
        ErrorCode::kUnavailable,
        "the answer broke off: " +
            (error ? std::string(ContentOf(*error, "message").Reveal()) : "no reason given"));
  }
  if ((type == "response.completed" || type == "response.incomplete") && response) {
    end.completed = std::move(*event);
  }
  return {};
}

void PrintEnd(const StreamEnd& end, bool json) {
  const std::optional<json::Value> response = end.completed->root().GetSet("response");
  const Answer answer = ReadAnswer(*response);
  if (json) {
    PrintAnswerJson(answer, end.receipt);
  } else {
    PrintLine("");
    PrintCitations(answer);
  }
}

Result<ExitStatus> RunAsk(const AskOptions& options) {
  Result<ApiClient> client = ConnectApi(options.dir, options.tenant);
  if (!client) {
    return std::unexpected(client.error());
  }
  Result<std::string> collection = FindCollection(*client, options.collection);
  if (!collection) {
    return std::unexpected(collection.error());
  }
  const Result<Plaintext> request = MakeRequest(options, *collection);
  if (!request) {
    return std::unexpected(request.error());
  }
  if (!options.stream) {
    return RunWhole(*client, options, *request);
  }
  StreamEnd end;
  Result<void> streamed = client->Stream("/v1/responses", *request, [&](PlaintextView data) {
    return OnEvent(data, options.json, end);
  });
  if (streamed && end.completed) {
    PrintEnd(end, options.json);
  }
  return streamed ? Result<ExitStatus>(ExitStatus::kOk) : std::unexpected(streamed.error());
}

}  // namespace

void AddAsk(CommandLine& line) {
  auto options = std::make_shared<AskOptions>();
  line.Add("ask", "Ask a question; the answer comes from a collection, with its places",
           "casemate ask \"What is an epoch key?\" --dir D --collection handbook",
           [options] { return RunAsk(*options); })
      .Required("question", options->question, "The question")
      .Required("--dir", options->dir, "The deployment's folder")
      .Text("--tenant", options->tenant, "The tenant's name (default: the first)")
      .Required("--collection", options->collection, "Where to look")
      .Text("--model", options->model, "The model (default: casemate-answer)")
      .Choice(
          "--quotes", options->quotes,
          "verbatim (the default, but with --schema): what the answer quotes is word for word of a "
          "passage; only: it is nothing but quotations; free: as the model says it",
          {"verbatim", "only", "free"})
      .Text("--schema", options->schema_file, "A file with a JSON Schema that the answer meets")
      .Text("--temperature", options->temperature, "0 to 2 (default: 0, the likeliest answer)")
      .Text("--seed", options->seed, "A number; the same seed gives the same answer")
      .Number("--max-tokens", options->max_tokens, "The longest answer", 1, 1 << 24)
      .Flag("--stream", options->stream, "Print the answer as it is made")
      .Flag("--json", options->json, "Print JSON");
}

}  // namespace casemate::app
