#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "custody/client/fake_release_client.h"
#include "retrieval/fake_models.h"
#include "retrieval/sealed_library.h"
#include "storage/sqlite.h"

namespace casemate::retrieval {

inline PlaintextView V(std::string_view text) { return PlaintextView::Of(text); }
inline std::string S(PlaintextView text) { return std::string(text.Reveal()); }

// A library on a fake custodian and a fake model, in a folder of its own.
class SealedLibraryFixture : public ::testing::Test {
 protected:
  SealedLibraryFixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "library_test.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data()) == nullptr ? "" : pattern;
    OpenLibrary();
  }
  ~SealedLibraryFixture() override {
    library_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void OpenLibrary() {
    library_.reset();
    store_.reset();
    auto store = storage::TenantStore::Open(folder_ / "tenant", client_.tenant());
    ASSERT_TRUE(store.has_value()) << store.error().message;
    store_ = std::move(*store);
    SealedLibraryOptions options;
    options.tenant_object = client_.tenant_object();
    options.system_principal = client_.principal();
    options.pipeline = {.chat_model = "chat", .embedding_model = "embed", .chunk = {}};
    options.index_idle = idle_;
    options.retry_after = std::chrono::milliseconds(20);
    options.erase_every = std::chrono::milliseconds(20);
    options.max_file_bytes = 1 << 20U;
    library_ = std::make_unique<SealedLibrary>(*store_, client_, rooms_, parser_, options);
  }

  custody::Ticket TicketFor(policy::ActionSet actions, std::vector<CollectionId> collections = {},
                            policy::Label label = policy::kHighestLabel) {
    custody::TicketRequest request;
    request.principal = client_.principal();
    request.justification = policy::Justification::kCustomerInitiatedAccess;
    request.actions = actions;
    request.label = label;
    request.all_collections = collections.empty();
    request.collections = std::move(collections);
    request.max_objects = 100'000;
    request.duration_ms = 3'600'000;
    Result<custody::Ticket> ticket = client_.Request(request);
    EXPECT_TRUE(ticket.has_value());
    return std::move(*ticket);
  }
  custody::Ticket AnyTicket() {
    using policy::Action;
    return TicketFor(Action::kList | Action::kRead | Action::kSearch | Action::kSeal |
                     Action::kErase);
  }

  CollectionId MakeCollection(std::string_view name = "notes",
                              policy::Label label = policy::kLowestLabel) {
    Result<CollectionInfo> made = library_->CreateCollection(AnyTicket(), V(name), label);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made->id;
  }
  Result<Ingested> Ingest(CollectionId collection, std::string_view name, std::string_view text,
                          policy::Label label = policy::kLowestLabel) {
    return library_->Ingest(AnyTicket(), collection, V(name), V(text), label);
  }
  Result<std::vector<SearchHit>> Find(CollectionId collection, std::string_view query) {
    return library_->Search(AnyTicket(), std::array{collection}, V(query), 10);
  }
  std::size_t Hits(CollectionId collection, std::string_view query) {
    Result<std::vector<SearchHit>> hits = Find(collection, query);
    EXPECT_TRUE(hits.has_value()) << hits.error().message;
    std::size_t count = 0;
    for (const SearchHit& hit : *hits) {
      count += S(hit.text).find(query) != std::string::npos ? 1 : 0;
    }
    return count;
  }
  // Waits, at most a minute, for what the background does.
  template <typename Done>
  bool Eventually(Done done) {
    for (int i = 0; i < 6000; ++i) {
      if (done()) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  AttachmentStatus StatusOf(CollectionId collection, FileId file) {
    Result<AttachmentInfo> info = library_->GetAttachment(AnyTicket(), collection, file);
    EXPECT_TRUE(info.has_value());
    return info ? info->status : AttachmentStatus::kCancelled;
  }

  storage::Database RawDatabase() {
    return std::move(*storage::Database::Open(folder_ / "tenant" / "store.db", {}));
  }
  // Flips one bit in the middle of the first blob that `select` finds ("SELECT rowid, x FROM ...").
  void FlipBlob(const std::string& table, const std::string& column, const std::string& where) {
    storage::Database database = RawDatabase();
    Bytes blob;
    {
      auto get = database.Prepare("SELECT " + column + " FROM " + table + " WHERE " + where);
      ASSERT_TRUE(get.has_value());
      ASSERT_TRUE(get->Step().value_or(false));
      blob.assign(get->Blob(0).begin(), get->Blob(0).end());
    }
    blob[blob.size() / 2] ^= std::byte{0x10};
    auto put = database.Prepare("UPDATE " + table + " SET " + column + " = ? WHERE " + where);
    ASSERT_TRUE(put.has_value());
    ASSERT_TRUE(put->BindBlob(0, blob).Run().has_value());
  }
  std::vector<std::filesystem::path> ObjectFiles() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_ / "tenant" / "objects")) {
      if (entry.is_regular_file()) {
        files.push_back(entry.path());
      }
    }
    return files;
  }

  std::filesystem::path folder_;
  custody::FakeReleaseClient client_;
  FakeRoomDirectory rooms_;
  Parser parser_ = FakeParse;
  std::chrono::milliseconds idle_{120'000};
  std::unique_ptr<storage::TenantStore> store_;
  std::unique_ptr<SealedLibrary> library_;
};

}  // namespace casemate::retrieval
