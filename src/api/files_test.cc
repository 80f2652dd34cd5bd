#include "api/api_fixture.h"

namespace casemate::api {
namespace {

class FilesTest : public ApiTest {
 protected:
  static std::string Form(const std::string& content, const std::string& more = {},
                          const std::string& filename = "notes.md") {
    return "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + filename +
           "\"\r\n\r\n" + content + "\r\n" + more + "--B--\r\n";
  }
  static std::string Field(const std::string& name, const std::string& value) {
    return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  }
  Answer Upload(const std::string& form, const std::string& target = "/v1/files",
                std::vector<net::Header> headers = {}) {
    headers.push_back({"content-type", "multipart/form-data; boundary=B"});
    return Send("POST", target, form, std::move(headers));
  }
  std::string MakeStore(const std::string& name = "docs") {
    return At(Post("/v1/vector_stores", R"({"name":")" + name + "\"}").Json(), "id");
  }
};

TEST_F(FilesTest, AFileGoesInComesOutAndGoes) {
  const Answer made = Upload(Form("# Notes", Field("purpose", "assistants")));
  ASSERT_EQ(made.status, 200) << made.body;
  const json::Document file = made.Json();
  const std::string id = At(file, "id");
  EXPECT_EQ(At(file, "object"), "file");
  EXPECT_EQ(At(file, "filename"), "notes.md");
  EXPECT_EQ(At(file, "bytes"), "7");
  EXPECT_EQ(At(file, "status"), "processed");
  EXPECT_EQ(At(Send("GET", "/v1/files/" + id).Json(), "purpose"), "assistants");
  const Answer content = Send("GET", "/v1/files/" + id + "/content");
  EXPECT_EQ(content.body, "# Notes");
  EXPECT_EQ(content.headers.at("content-type"), "application/octet-stream");
  const json::Document list = Send("GET", "/v1/files?purpose=assistants").Json();
  EXPECT_EQ(At(list, "data.0.id"), id);
  EXPECT_EQ(At(list, "last_id"), id);
  EXPECT_EQ(At(list, "has_more"), "false");
  EXPECT_EQ(At(Send("GET", "/v1/files?purpose=vision").Json(), "data"), "0 members");

  const Answer deleted = Send("DELETE", "/v1/files/" + id);
  EXPECT_EQ(At(deleted.Json(), "deleted"), "true");
  EXPECT_EQ(deleted.headers.at("x-casemate-epoch"), "7");
  EXPECT_EQ(deleted.headers.at("x-casemate-erasure-caveat"), "one copy");
  EXPECT_FALSE(library_.last_no_mirror);
  EXPECT_EQ(Refused(Send("GET", "/v1/files/" + id)), "404 not_found null");
  EXPECT_EQ(Refused(Send("GET", "/v1/files/" + id + "/content")), "404 not_found null");
}

TEST_F(FilesTest, LargeContentComesInPieces) {
  const std::string large(600 * 1024, 'x');
  const std::string id = At(Upload(Form(large, Field("purpose", "user_data"))).Json(), "id");
  EXPECT_EQ(Send("GET", "/v1/files/" + id + "/content").body, large);
}

TEST_F(FilesTest, BadUploadsAreRefused) {
  EXPECT_EQ(Refused(Upload(Form("x"))), "400 invalid_argument purpose");
  EXPECT_EQ(Refused(Upload(Form("x", Field("purpose", "nonsense")))),
            "400 invalid_argument purpose");
  EXPECT_EQ(Refused(Upload(Form("x", Field("colour", "red")))), "400 invalid_argument colour");
  EXPECT_EQ(Refused(Upload(Form("x", Field("purpose", "batch"), ""))), "400 invalid_argument file");
  EXPECT_EQ(Refused(Upload(Field("purpose", "batch") + "--B--")), "400 invalid_argument file");
  EXPECT_EQ(Refused(Post("/v1/files", "{}")), "400 invalid_argument null");
  EXPECT_EQ(Refused(Upload(Form("x", Form("y").substr(0, Form("y").size() - 7)))),
            "400 invalid_argument file");
  EXPECT_TRUE(library_.files.empty());
}

TEST_F(FilesTest, AnAnswerSaysTheHighestLabelOfWhatItWasMadeFrom) {
  const std::string purpose = Field("purpose", "assistants");
  const Answer low = Upload(Form("a", purpose + Field("casemate_label", "public")));
  EXPECT_EQ(low.headers.at("x-casemate-label"), "public");
  EXPECT_EQ(At(low.Json(), "casemate.label"), "public");
  const Answer high = Upload(Form("b", purpose), "/v1/files", {{"x-casemate-label", "secret"}});
  EXPECT_EQ(At(high.Json(), "casemate.label"), "secret");
  EXPECT_EQ(Send("GET", "/v1/files").headers.at("x-casemate-label"), "secret");
  const Answer one = Send("GET", "/v1/files/" + At(low.Json(), "id"));
  EXPECT_EQ(one.headers.at("x-casemate-label"), "public");
  const Answer declared =
      Send("GET", "/v1/files/" + At(low.Json(), "id"), "", {{"x-casemate-label", "confidential"}});
  EXPECT_EQ(declared.headers.at("x-casemate-label"), "confidential");
}

TEST_F(FilesTest, LabelsStayUnderTheCallersCeiling) {
  const std::string purpose = Field("purpose", "assistants");
  ASSERT_EQ(Upload(Form("a", purpose)).status, 200);
  EXPECT_EQ(library_.files.begin()->second.label, policy::Label::kInternal);
  library_.files.clear();
  ASSERT_EQ(Upload(Form("a", purpose + Field("label", "confidential"))).status, 200);
  EXPECT_EQ(library_.files.begin()->second.label, policy::Label::kConfidential);
  library_.files.clear();
  ceiling_ = policy::Label::kPublic;
  ASSERT_EQ(Upload(Form("a", purpose)).status, 200);
  EXPECT_EQ(library_.files.begin()->second.label, policy::Label::kPublic);
  EXPECT_EQ(Refused(Upload(Form("a", purpose), "/v1/files", {{"x-casemate-label", "secret"}})),
            "403 permission_denied label");
  EXPECT_EQ(Refused(Upload(Form("a", purpose + Field("label", "blue")))),
            "400 invalid_argument label");
}

TEST_F(FilesTest, NoMirrorIsAcceptedInSoManyWords) {
  const auto id = crypto::RandomId<FileId>();
  library_.files[id] = {"a", "assistants", "a", policy::Label::kPublic};
  EXPECT_EQ(
      Refused(Send("DELETE", "/v1/files/" + id.ToString(), "", {{"x-casemate-no-mirror", "yes"}})),
      "400 invalid_argument no_mirror");
  ASSERT_EQ(
      Send("DELETE", "/v1/files/" + id.ToString(), "", {{"x-casemate-no-mirror", "accept"}}).status,
      200);
  EXPECT_TRUE(library_.last_no_mirror);
}

TEST_F(FilesTest, WhatIsNoIdNamesNothing) {
  for (const char* id : {"x", "file-", "file-!!!", "vs_mfrggzdfmztwq2lknnwg23tpoa"}) {
    EXPECT_EQ(Refused(Send("GET", std::string("/v1/files/") + id)), "404 not_found null") << id;
  }
}

TEST_F(FilesTest, AVectorStoreHasFilesAndIsSearched) {
  const std::string file = At(Upload(Form("# Notes", Field("purpose", "assistants"))).Json(), "id");
  const json::Document store =
      Post("/v1/vector_stores", R"({"name":"docs","file_ids":[")" + file + R"("],"metadata":{}})")
          .Json();
  const std::string id = At(store, "id");
  EXPECT_EQ(At(store, "object"), "vector_store");
  EXPECT_EQ(At(store, "status"), "in_progress");
  EXPECT_EQ(At(store, "file_counts.total"), "1");
  const std::string files = "/v1/vector_stores/" + id + "/files";
  EXPECT_EQ(At(Send("GET", files).Json(), "data.0.id"), file);
  EXPECT_EQ(At(Send("GET", files + "/" + file).Json(), "vector_store_id"), id);
  EXPECT_EQ(At(Send("GET", files + "?filter=completed").Json(), "data"), "0 members");

  library_.attachments.begin()->second = retrieval::AttachmentStatus::kFailed;
  EXPECT_EQ(At(Send("GET", files + "/" + file).Json(), "last_error.code"), "unsupported_file");

  library_.passages = {{"notes.md", "Notes", "A gate."}, {"b.md", "", "Weak."}};
  const json::Document found =
      Post(
          "/v1/vector_stores/" + id + "/search",
          R"({"query":["iron","gate"],"max_num_results":5,"ranking_options":{"score_threshold":0.8}})")
          .Json();
  EXPECT_EQ(library_.last_query, "iron gate");
  EXPECT_EQ(library_.last_limit, 5U);
  EXPECT_EQ(At(found, "object"), "vector_store.search_results.page");
  EXPECT_EQ(At(found, "data"), "1 members");
  EXPECT_EQ(At(found, "data.0.content.0.text"), "A gate.");
  EXPECT_EQ(At(found, "data.0.attributes.heading"), "Notes");

  EXPECT_EQ(At(Send("DELETE", files + "/" + file).Json(), "object"), "vector_store.file.deleted");
  EXPECT_EQ(At(Send("DELETE", "/v1/vector_stores/" + id).Json(), "object"), "vector_store.deleted");
  EXPECT_EQ(Refused(Send("GET", "/v1/vector_stores/" + id)), "404 not_found null");
}

TEST_F(FilesTest, BadVectorStoreRequestsAreRefused) {
  const std::string id = MakeStore();
  const std::string search = "/v1/vector_stores/" + id + "/search";
  EXPECT_EQ(Refused(Post(search, R"({"query":""})")), "400 invalid_argument query");
  EXPECT_EQ(Refused(Post(search, R"({"query":"x","max_num_results":51})")),
            "400 invalid_argument max_num_results");
  EXPECT_EQ(Refused(Post(search, R"({"query":"x","filters":{"type":"eq"}})")),
            "400 invalid_argument filters");
  EXPECT_EQ(Refused(Post("/v1/vector_stores", R"({"file_ids":["x"]})")),
            "404 not_found file_ids[0]");
  EXPECT_EQ(
      Refused(Post("/v1/vector_stores", R"({"file_ids":["file-mfrggzdfmztwq2lknnwg23tpoa"]})")),
      "404 not_found file_ids");
  EXPECT_EQ(library_.collections.size(), 1U) << "a store is made only when its files are there";
  EXPECT_EQ(Refused(Post("/v1/vector_stores/" + id + "/files", R"({"file_id":"x"})")),
            "404 not_found file_id");
}

TEST_F(FilesTest, FilesAreAttachedTogetherListedAndCancelled) {
  const std::string one = At(Upload(Form("a", Field("purpose", "assistants"))).Json(), "id");
  const std::string two = At(Upload(Form("b", Field("purpose", "assistants"))).Json(), "id");
  const std::string target = "/v1/vector_stores/" + MakeStore() + "/file_batches";
  const Answer made = Post(target, R"({"file_ids":[")" + one + R"(",")" + two +
                                       R"("],"chunking_strategy":{"type":"auto"}})");
  ASSERT_EQ(made.status, 200) << made.body;
  const json::Document batch = made.Json();
  EXPECT_EQ(At(batch, "object"), "vector_store.files_batch");
  EXPECT_EQ(At(batch, "status"), "in_progress");
  EXPECT_EQ(At(batch, "file_counts.in_progress"), "2");
  EXPECT_EQ(At(batch, "file_counts.total"), "2");
  const std::string itself = target + "/" + At(batch, "id");

  library_.attachments.begin()->second = retrieval::AttachmentStatus::kCompleted;
  EXPECT_EQ(At(Send("GET", itself).Json(), "file_counts.completed"), "1");
  EXPECT_EQ(At(Send("GET", itself + "/files?filter=completed").Json(), "data"), "1 members");
  const json::Document first = Send("GET", itself + "/files?limit=1").Json();
  EXPECT_EQ(At(first, "data.0.id"), two);
  EXPECT_EQ(At(first, "has_more"), "true");
  const json::Document rest = Send("GET", itself + "/files?limit=1&after=" + two).Json();
  EXPECT_EQ(At(rest, "data.0.id"), one);
  EXPECT_EQ(At(rest, "has_more"), "false");

  const json::Document cancelled = Post(itself + "/cancel", "{}").Json();
  EXPECT_EQ(At(cancelled, "file_counts.cancelled"), "1");
  EXPECT_EQ(At(cancelled, "status"), "completed");
  const json::Document objects =
      Post(target, R"({"files":[{"file_id":")" + one + R"(","attributes":{"a":"b"}}]})").Json();
  EXPECT_EQ(At(objects, "file_counts.total"), "1");
}

TEST_F(FilesTest, BadFileBatchesAreRefused) {
  const std::string target = "/v1/vector_stores/" + MakeStore() + "/file_batches";
  EXPECT_EQ(Refused(Post(target, "{}")), "400 invalid_argument file_ids");
  EXPECT_EQ(Refused(Post(target, R"({"file_ids":["x"],"files":[]})")),
            "400 invalid_argument file_ids");
  EXPECT_EQ(Refused(Post(target, R"({"file_ids":[]})")), "400 invalid_argument file_ids");
  EXPECT_EQ(Refused(Post(target, R"({"file_ids":"x"})")), "400 invalid_argument file_ids");
  EXPECT_EQ(Refused(Post(target, R"({"files":[{}]})")), "400 invalid_argument files[0].file_id");
  EXPECT_EQ(Refused(Post(target, R"({"files":[{"file_id":"x","more":1}]})")),
            "400 invalid_argument files[0].more");
  EXPECT_EQ(Refused(Post(target, R"({"file_ids":["x"]})")), "404 not_found file_ids[0]");
  std::string many = R"({"file_ids":["x")";
  for (int i = 0; i < 500; ++i) {
    many += R"(,"x")";
  }
  EXPECT_EQ(Refused(Post(target, many + "]}")), "400 invalid_argument file_ids");
  EXPECT_EQ(Refused(Send("GET", target + "/nonsense")), "404 not_found null");
}

TEST_F(FilesTest, DocumentsAreIngestedListedAndTheirCollectionFound) {
  const std::string id = MakeStore("hand book");
  EXPECT_EQ(At(Send("GET", "/casemate/v1/collections?name=hand%20book").Json(), "id"), id);
  EXPECT_EQ(Refused(Send("GET", "/casemate/v1/collections?name=other")), "404 not_found name");
  EXPECT_EQ(Refused(Send("GET", "/casemate/v1/collections")), "400 invalid_argument name");
  const std::string target = "/casemate/v1/collections/" + id + "/documents";
  library_.outcome = retrieval::IngestOutcome::kReplaced;
  const Answer made = Upload(Form("text", "", "sub/a.md"), target);
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(At(made.Json(), "outcome"), "replaced");
  EXPECT_EQ(At(made.Json(), "chunks"), "2");
  EXPECT_EQ(Refused(Upload(Form(""), target)), "400 invalid_argument null");

  const FileId file = library_.files.begin()->first;
  library_.attachments[{*CollectionId::Parse(id), file}] = retrieval::AttachmentStatus::kCompleted;
  const json::Document list = Send("GET", target).Json();
  EXPECT_EQ(At(list, "data.0.filename"), "sub/a.md");
  EXPECT_EQ(At(list, "data.0.status"), "completed");
}

TEST_F(FilesTest, DocumentsAreComparedByTheirDigests) {
  const std::string target = "/casemate/v1/collections/" + MakeStore("s") + "/documents/compare";
  const auto body = [](const std::string& digest) {
    return R"({"label":"internal","documents":[{"filename":"a.md","sha256":")" + digest +
           R"("},{"filename":"b.md","sha256":")" + std::string(64, '0') + R"("}]})";
  };
  const json::Document found = Send("POST", target, body("01" + std::string(62, '0'))).Json();
  EXPECT_EQ(At(found, "data.0.unchanged"), "true");
  EXPECT_TRUE(At(found, "data.0.file_id").starts_with("file-"));
  EXPECT_EQ(At(found, "data.1.unchanged"), "false");
  EXPECT_EQ(Refused(Send("POST", target, body("01"))).substr(0, 20), "400 invalid_argument");
  EXPECT_EQ(Refused(Send("POST", target, R"({"documents":[],"x":1})")).substr(0, 20),
            "400 invalid_argument");
}

}  // namespace
}  // namespace casemate::api
