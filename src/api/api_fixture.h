#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "api/receipts_fixture.h"
#include "api/router.h"
#include "crypto/hash.h"
#include "custody/client/fake_release_client.h"
#include "json/reader.h"

// For the tests of this folder: a library in memory, a model that says what it is told to, and a
// responder that keeps what was answered. Test content is no secret, so std::string is used.
namespace casemate::api {

inline std::string Text(PlaintextView view) { return std::string(view.Reveal()); }

// Tokens are words. Answers with `answer`, piece by piece; refuses prompts over `context`.
class FakeRoom : public inference::RoomClient {
 public:
  std::vector<std::string> answer = {"A turret", ": a small tower [1]"};
  inference::FinishReason reason = inference::FinishReason::kStop;
  std::uint32_t context = 320;
  std::size_t fail_after = ~std::size_t{0};  // pieces
  inference::Generate last;
  std::vector<std::pair<std::string, std::string>> last_messages;
  std::function<void()> on_piece = [] {};
  int generated = 0;
  bool full = false;  // the queue

  static std::uint32_t Words(std::string_view text) {
    std::uint32_t words = 0;
    bool in_word = false;
    for (char c : text) {
      const bool space = c == ' ' || c == '\n';
      words += !space && !in_word ? 1 : 0;
      in_word = !space;
    }
    return words;
  }

  Result<inference::GenerateDone> Generate(const inference::Generate& request, const Sink& sink,
                                           const std::function<bool()>& cancelled) override {
    ++generated;
    if (full) {
      return Fail(ErrorCode::kRateLimited,
                  "64 requests wait for this model; ask again in a second");
    }
    last = *ipc::Decode<inference::Generate>(ipc::Encode(request));
    last_messages.clear();
    inference::GenerateDone done{.reason = reason};
    for (const inference::ChatMessage& message : request.messages) {
      last_messages.emplace_back(message.role, Text(message.content));
      done.prompt_tokens += Words(Text(message.content));
    }
    if (done.prompt_tokens > context) {
      return Fail(ErrorCode::kTooLarge, "prompt of " + std::to_string(done.prompt_tokens) +
                                            " tokens, the model takes " + std::to_string(context));
    }
    if (!sink.started({.prompt_tokens = done.prompt_tokens})) {
      return Fail(ErrorCode::kCancelled, "cancelled");
    }
    for (std::size_t i = 0; i < answer.size(); ++i) {
      on_piece();
      if (i >= fail_after) {
        return Fail(ErrorCode::kUnavailable, "the room died");
      }
      for (std::uint32_t choice = 0; choice < request.choices; ++choice) {
        inference::GenerateText piece{
            .text = Plaintext::Copy(PlaintextView::Of(answer[i])), .tokens = 1, .choice = choice};
        if (request.logprobs) {
          piece.logprobs.push_back({.text = Plaintext::Copy(answer[i]), .logprob = -0.5F});
          for (std::uint32_t top = 0; top < request.top_logprobs; ++top) {
            piece.logprobs[0].top.push_back(
                {.text = Plaintext::Copy(std::string_view("\xe2\x80")), .logprob = -2});
          }
        }
        if (i + 1 == answer.size()) {
          piece.reason = reason;
        }
        if (cancelled() || !sink.text(piece)) {
          return Fail(ErrorCode::kCancelled, "cancelled");
        }
        ++done.completion_tokens;
      }
    }
    return done;
  }

  Result<inference::EmbedReply> Embed(const inference::Embed& request) override {
    inference::EmbedReply reply{.dimensions = 3};
    for (const Plaintext& text : request.texts) {
      if (request.refuse_long && Words(Text(text)) > context) {
        return Fail(ErrorCode::kTooLarge, "text of 400 tokens, the model takes 320");
      }
      const float vector[3] = {0.5F, -0.25F, static_cast<float>(text.size())};
      reply.vectors.Append(PlaintextView::Of(std::as_bytes(std::span(vector))));
      reply.tokens += Words(Text(text));
    }
    return reply;
  }

  Result<std::vector<std::uint32_t>> CountTokens(const std::vector<PlaintextView>& texts) override {
    std::vector<std::uint32_t> counts;
    for (PlaintextView text : texts) {
      counts.push_back(Words(text.Reveal()));
    }
    return counts;
  }

  // Words that query and document share.
  Result<inference::RankReply> Rank(const inference::Rank& request) override {
    inference::RankReply reply;
    const std::string query = Text(request.query);
    for (const Plaintext& document : request.documents) {
      std::istringstream words(Text(document));
      float score = 0;
      for (std::string word; words >> word;) {
        score += query.find(word) != std::string::npos ? 1.0F : 0.0F;
      }
      reply.scores.push_back(score);
      reply.tokens += Words(Text(document));
    }
    return reply;
  }
};

class FakeRooms : public inference::RoomDirectory {
 public:
  std::shared_ptr<FakeRoom> room = std::make_shared<FakeRoom>();
  Result<std::shared_ptr<inference::RoomClient>> Room(const std::string&) override { return room; }
};

// Files and collections in maps; search gives `hits`. Each call asks that the ticket is live.
class FakeLibrary : public retrieval::Library {
 public:
  struct File {
    std::string name, purpose, content;
    policy::Label label;
  };
  std::map<FileId, File> files;
  std::map<CollectionId, std::string> collections;
  std::map<std::pair<CollectionId, FileId>, retrieval::AttachmentStatus> attachments;
  std::map<storage::BatchId, std::vector<FileId>> batches;
  std::vector<std::tuple<std::string, std::string, std::string>> passages;  // name, heading, text
  std::string last_query;
  std::size_t last_limit = 0;
  bool last_no_mirror = false;
  std::uint32_t page = 0;  // of every hit
  retrieval::IngestOutcome outcome = retrieval::IngestOutcome::kAdded;

  Result<retrieval::FileInfo> PutFile(const custody::Ticket&, PlaintextView name,
                                      const std::string& purpose, PlaintextView content,
                                      policy::Label label) override {
    const auto id = crypto::RandomId<FileId>();
    files[id] = {Text(name), purpose, Text(content), label};
    return Info(id);
  }
  Result<retrieval::FileInfo> GetFile(const custody::Ticket&, FileId id) override {
    return Info(id);
  }
  Result<retrieval::Listed<retrieval::FileInfo>> ListFiles(const custody::Ticket&,
                                                           const retrieval::Page& page) override {
    retrieval::Listed<retrieval::FileInfo> listed;
    for (const auto& [id, file] : files) {
      listed.has_more = listed.items.size() == page.limit;
      if (!listed.has_more) {
        listed.items.push_back(*Info(id));
      }
    }
    return listed;
  }
  Result<Plaintext> ReadFile(const custody::Ticket&, FileId id) override {
    return files.contains(id) ? Result<Plaintext>(Plaintext::Copy(files[id].content))
                              : Missing("file");
  }
  Result<custody::EraseReply> DeleteFile(const custody::Ticket&, FileId id,
                                         bool no_mirror) override {
    last_no_mirror = no_mirror;
    if (files.erase(id) == 0) {
      return Missing("file");
    }
    return custody::EraseReply{.epoch = 7, .erased = {}, .log_index = 1, .caveat = "one copy"};
  }
  Result<retrieval::CollectionInfo> CreateCollection(const custody::Ticket&, PlaintextView name,
                                                     policy::Label) override {
    const auto id = crypto::RandomId<CollectionId>();
    collections[id] = Text(name);
    return Store(id);
  }
  Result<retrieval::CollectionInfo> GetCollection(const custody::Ticket&,
                                                  CollectionId id) override {
    return Store(id);
  }
  Result<retrieval::Listed<retrieval::CollectionInfo>> ListCollections(
      const custody::Ticket&, const retrieval::Page&) override {
    retrieval::Listed<retrieval::CollectionInfo> listed;
    for (const auto& [id, name] : collections) {
      listed.items.push_back(*Store(id));
    }
    return listed;
  }
  Result<std::optional<CollectionId>> FindCollection(const custody::Ticket&,
                                                     PlaintextView name) override {
    for (const auto& [id, has] : collections) {
      if (has == name.Reveal()) {
        return id;
      }
    }
    return std::nullopt;
  }
  Result<custody::EraseReply> DeleteCollection(const custody::Ticket&, CollectionId id,
                                               bool no_mirror) override {
    last_no_mirror = no_mirror;
    if (collections.erase(id) == 0) {
      return Missing("collection");
    }
    return custody::EraseReply{.epoch = 8, .erased = {}, .log_index = 1, .caveat = ""};
  }
  Result<retrieval::AttachmentInfo> Attach(const custody::Ticket&, CollectionId collection,
                                           FileId file) override {
    if (!collections.contains(collection) || !files.contains(file)) {
      return Missing("file or collection");
    }
    attachments[{collection, file}] = retrieval::AttachmentStatus::kInProgress;
    return GetAttached(collection, file);
  }
  Result<retrieval::AttachmentInfo> GetAttachment(const custody::Ticket&, CollectionId collection,
                                                  FileId file) override {
    return GetAttached(collection, file);
  }
  Result<retrieval::Listed<retrieval::AttachmentInfo>> ListAttachments(
      const custody::Ticket&, CollectionId collection, const retrieval::Page&) override {
    retrieval::Listed<retrieval::AttachmentInfo> listed;
    for (const auto& [key, status] : attachments) {
      if (key.first == collection) {
        listed.items.push_back(*GetAttached(key.first, key.second));
      }
    }
    return listed;
  }
  Result<retrieval::BatchInfo> AttachBatch(const custody::Ticket& ticket, CollectionId collection,
                                           std::span<const FileId> together) override {
    for (const FileId& file : together) {
      if (auto attached = Attach(ticket, collection, file); !attached) {
        return std::unexpected(attached.error());
      }
    }
    const auto id = crypto::RandomId<storage::BatchId>();
    batches[id].assign(together.begin(), together.end());
    return GetBatch(ticket, collection, id);
  }
  Result<retrieval::BatchInfo> GetBatch(const custody::Ticket&, CollectionId collection,
                                        const storage::BatchId& id) override {
    if (!batches.contains(id)) {
      return Missing("batch");
    }
    retrieval::BatchInfo batch{.id = id, .collection = collection, .created = 0, .attachments = {}};
    for (const FileId& file : batches[id]) {
      batch.attachments.push_back(*GetAttached(collection, file));
    }
    return batch;
  }
  Result<retrieval::BatchInfo> CancelBatch(const custody::Ticket& ticket, CollectionId collection,
                                           const storage::BatchId& id) override {
    for (const FileId& file : batches[id]) {
      auto& status = attachments[{collection, file}];
      if (status == retrieval::AttachmentStatus::kInProgress) {
        status = retrieval::AttachmentStatus::kCancelled;
      }
    }
    return GetBatch(ticket, collection, id);
  }
  Result<void> Detach(const custody::Ticket&, CollectionId collection, FileId file, bool) override {
    return attachments.erase({collection, file}) > 0 ? Result<void>() : Missing("attachment");
  }
  Result<std::vector<std::optional<FileId>>> FindUnchanged(
      const custody::Ticket&, CollectionId collection,
      std::span<const retrieval::OutsideDocument> documents, policy::Label) override {
    if (!collections.contains(collection)) {
      return Missing("collection");
    }
    std::vector<std::optional<FileId>> found;
    for (const retrieval::OutsideDocument& document : documents) {
      found.push_back(document.content[0] == std::byte{1}
                          ? std::optional(FileId(FileId::Array{std::byte{7}}))
                          : std::nullopt);
    }
    return found;
  }
  Result<retrieval::Ingested> Ingest(const custody::Ticket& ticket, CollectionId collection,
                                     PlaintextView name, PlaintextView content,
                                     policy::Label label) override {
    if (!collections.contains(collection)) {
      return Missing("collection");
    }
    if (content.empty()) {
      return Fail(ErrorCode::kInvalidArgument, "empty file");
    }
    return retrieval::Ingested{.outcome = outcome,
                               .file = PutFile(ticket, name, "assistants", content, label)->id,
                               .chunks = 2};
  }
  Result<std::vector<retrieval::SearchHit>> Search(const custody::Ticket&,
                                                   std::span<const CollectionId> in,
                                                   PlaintextView query,
                                                   std::size_t limit) override {
    last_query = Text(query);
    last_limit = limit;
    for (const CollectionId& id : in) {
      if (!collections.contains(id)) {
        return Missing("vector store");
      }
    }
    std::vector<retrieval::SearchHit> hits;
    for (const auto& [name, heading, text] : passages) {
      if (hits.size() == limit) {
        break;
      }
      retrieval::SearchHit hit;
      hit.file = FileId(FileId::Array{std::byte(hits.size() + 1)});
      hit.file_name = Plaintext::Copy(name);
      hit.heading = Plaintext::Copy(heading);
      hit.text = Plaintext::Copy(text);
      hit.begin = 10;
      hit.end = 10 + static_cast<std::uint32_t>(text.size());
      hit.page = page;
      hit.score = 1.0 / static_cast<double>(hits.size() + 1);
      hits.push_back(std::move(hit));
    }
    return hits;
  }

  static std::unexpected<Error> Missing(const std::string& what) {
    return Fail(ErrorCode::kNotFound, "no such " + what);
  }

 private:
  Result<retrieval::FileInfo> Info(FileId id) {
    const auto found = files.find(id);
    if (found == files.end()) {
      return Missing("file");
    }
    return retrieval::FileInfo{.id = id,
                               .name = Plaintext::Copy(found->second.name),
                               .purpose = found->second.purpose,
                               .bytes = found->second.content.size(),
                               .created = 1'700'000'000,
                               .label = found->second.label};
  }
  Result<retrieval::CollectionInfo> Store(CollectionId id) {
    if (!collections.contains(id)) {
      return Missing("vector store");
    }
    return retrieval::CollectionInfo{
        .id = id, .name = Plaintext::Copy(collections[id]), .created = 1'700'000'000};
  }
  Result<retrieval::AttachmentInfo> GetAttached(CollectionId collection, FileId file) {
    const auto found = attachments.find({collection, file});
    if (found == attachments.end()) {
      return Missing("attachment");
    }
    retrieval::AttachmentInfo info{
        .file = file, .collection = collection, .status = found->second, .failure = {}};
    if (found->second == retrieval::AttachmentStatus::kFailed) {
      info.failure = Error{ErrorCode::kInvalidArgument, "binary file", {}, {}};
    }
    return info;
  }
};

class RecordingResponder : public Responder {
 public:
  net::HttpHead head;
  std::string body;
  int heads = 0;
  int ends = 0;
  bool gone = false;

  Result<void> Head(const net::HttpHead& given) override {
    ++heads;
    head = given;
    return {};
  }
  Result<void> Body(Plaintext bytes) override {
    EXPECT_LE(bytes.size(), net::kMaxBodyPiece);
    body += Text(bytes);
    return gone ? Result<void>(Fail(ErrorCode::kCancelled, "the client is gone")) : Result<void>();
  }
  void End() override { ++ends; }
  bool cancelled() const override { return gone; }
};

struct Answer {
  std::uint16_t status = 0;
  std::map<std::string, std::string> headers;
  std::string body;

  json::Document Json() const {
    Result<json::Document> document = json::Document::Parse(PlaintextView::Of(body));
    EXPECT_TRUE(document.has_value()) << body;
    return std::move(*document);
  }
  // The `data:` of each event but the receipt's and, where events have names, the end before it.
  std::vector<std::string> Events() const {
    std::vector<std::string> events;
    std::string body = this->body.substr(0, this->body.find("event: casemate.receipt"));
    constexpr std::string_view kDone = "data: [DONE]\n\n";
    if (body.size() < this->body.size() && body.ends_with(kDone) &&
        body.find("event: ") != std::string::npos) {
      body.resize(body.size() - kDone.size());  // that is there for the receipt's sake
    }
    for (std::size_t at = body.find("data: "); at != std::string::npos;
         at = body.find("data: ", at + 1)) {
      events.push_back(body.substr(at + 6, body.find("\n\n", at) - at - 6));
    }
    return events;
  }
};

class ApiTest : public testing::Test {
 protected:
  Answer Send(const std::string& method, const std::string& target, const std::string& body = {},
              std::vector<net::Header> headers = {}) {
    net::HttpRequest request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    request.query =
        target.find('?') == std::string::npos ? "" : target.substr(target.find('?') + 1);
    request.headers = std::move(headers);
    request.principal = principal_.is_none() ? releases_.principal() : principal_;
    request.from_operator = from_operator_;
    request.tls_group = from_operator_ ? "" : tls_group_;
    request.tls_classical_allowed = tls_group_ == "x25519";
    request.ceiling = ceiling_;
    request.body = Plaintext::Copy(body);
    RecordingResponder responder;
    responder.gone = gone_;
    router_.Handle(request, responder);
    EXPECT_EQ(responder.heads, 1);
    EXPECT_EQ(responder.ends, 1);
    Answer answer{.status = responder.head.status, .headers = {}, .body = responder.body};
    if (responder.head.has_length && !gone_) {
      EXPECT_EQ(responder.head.length, responder.body.size());
    }
    for (const net::Header& header : responder.head.headers) {
      answer.headers[header.name] = header.value;
    }
    return answer;
  }
  Answer Post(const std::string& target, const std::string& body) {
    return Send("POST", target, body, {{"content-type", "application/json"}});
  }

  // Status, `code` and `param` of an error's envelope: "400 invalid_argument messages".
  static std::string Refused(const Answer& answer) {
    const json::Document document = answer.Json();
    const std::optional<json::Value> error = document.root().Get("error");
    if (!error) {
      return std::to_string(answer.status) + " without an envelope";
    }
    const auto text = [&](const char* key) {
      const std::optional<json::Value> value = error->GetSet(key);
      return value ? Text(*value->AsString()) : std::string("null");
    };
    EXPECT_FALSE(text("message").empty());
    return std::to_string(answer.status) + " " + text("code") + " " + text("param");
  }

  // The member at a path such as "choices.0.message.content", as text.
  static std::string At(const json::Document& document, std::string_view path) {
    json::Value value = document.root();
    while (!path.empty()) {
      const std::string_view step = path.substr(0, path.find('.'));
      path.remove_prefix(std::min(step.size() + 1, path.size()));
      if (value.kind() == json::Value::Kind::kArray) {
        const std::size_t index = std::stoul(std::string(step));
        if (index >= value.size()) {
          return "absent";
        }
        value = value.Elements()[index];
        continue;
      }
      const std::optional<json::Value> member = value.Get(step);
      if (!member) {
        return "absent";
      }
      value = *member;
    }
    switch (value.kind()) {
      case json::Value::Kind::kString:
        return Text(*value.AsString());
      case json::Value::Kind::kInteger:
        return std::to_string(*value.AsInteger());
      case json::Value::Kind::kNumber:
        return std::to_string(*value.AsNumber());
      case json::Value::Kind::kBool:
        return *value.AsBool() ? "true" : "false";
      case json::Value::Kind::kNull:
        return "null";
      default:
        return std::to_string(value.size()) + " members";
    }
  }

  FakeLibrary library_;
  FakeRooms rooms_;
  custody::FakeReleaseClient releases_;
  policy::Label ceiling_ = policy::Label::kSecret;
  bool gone_ = false;
  bool from_operator_ = false;
  std::string tls_group_ = "X25519MLKEM768";
  PrincipalId principal_;  // none: the custodian's
  std::vector<custody::ModelEntry> models_ = {{.name = "casemate-answer",
                                               .digest = "00",
                                               .task = "chat",
                                               .context_tokens = 320,
                                               .added = 1'700'000'000},
                                              {.name = "casemate-embed",
                                               .digest = "00",
                                               .task = "embedding",
                                               .context_tokens = 320,
                                               .added = 1'700'000'000}};
  TestReceipts receipts_{releases_};
  Router router_{Services{.library = library_,
                          .rooms = rooms_,
                          .releases = releases_,
                          .models = [this] { return models_; },
                          .receipts = &receipts_.book()}};
};

}  // namespace casemate::api
