#include "retrieval/sealed_library.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "crypto/hash.h"
#include "retrieval/sealed_library_fixture.h"

namespace casemate::retrieval {
namespace {

using policy::Action;
using policy::Label;

class SealedLibraryTest : public SealedLibraryFixture {};

TEST_F(SealedLibraryTest, IngestedDocumentIsFoundWithItsPlace) {
  const CollectionId notes = MakeCollection();
  const std::string text = "# Casemates\nA casemate is a vaulted room. It holds guns.";
  Result<Ingested> ingested = Ingest(notes, "fort.md", text);
  ASSERT_TRUE(ingested.has_value()) << ingested.error().message;
  EXPECT_EQ(ingested->outcome, IngestOutcome::kAdded);
  EXPECT_EQ(ingested->chunks, 1U);

  Result<std::vector<SearchHit>> hits = Find(notes, "What is a casemate?");
  ASSERT_TRUE(hits.has_value()) << hits.error().message;
  ASSERT_EQ(hits->size(), 1U);
  const SearchHit& hit = hits->front();
  EXPECT_EQ(hit.file, ingested->file);
  EXPECT_EQ(S(hit.file_name), "fort.md");
  EXPECT_EQ(S(hit.heading), "Casemates");
  EXPECT_EQ(S(hit.text), text.substr(hit.begin, hit.end - hit.begin));
  EXPECT_GT(hit.score, 0.9);
  EXPECT_LE(hit.score, 1.0);
}

TEST_F(SealedLibraryTest, UnchangedDocumentIsSkippedWithoutParsingOrSealing) {
  const CollectionId notes = MakeCollection();
  ASSERT_TRUE(Ingest(notes, "a.txt", "some words").has_value());
  const int counts = rooms_.room->counts;
  Result<Ingested> again = Ingest(notes, "a.txt", "some words");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->outcome, IngestOutcome::kUnchanged);
  EXPECT_EQ(rooms_.room->counts, counts);
  EXPECT_EQ(ObjectFiles().size(), 1U);
}

TEST_F(SealedLibraryTest, WhatIsUnchangedIsToldByNameAndDigestAlone) {
  const CollectionId notes = MakeCollection();
  const Result<Ingested> there = Ingest(notes, "a.txt", "some words");
  ASSERT_TRUE(there.has_value());
  std::vector<OutsideDocument> outside;
  for (const auto& [name, text] :
       {std::pair<std::string_view, std::string_view>{"a.txt", "some words"},
        {"a.txt", "other words"},
        {"b.txt", "some words"}}) {
    outside.push_back({.name = Plaintext::Copy(name), .content = crypto::Sha256(AsBytes(text))});
  }
  const auto found = library_->FindUnchanged(AnyTicket(), notes, outside, policy::kLowestLabel);
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_EQ(*found, (std::vector<std::optional<FileId>>{there->file, std::nullopt, std::nullopt}));
  const auto labelled = library_->FindUnchanged(AnyTicket(), notes, outside, Label::kSecret);
  EXPECT_FALSE(labelled->front().has_value());
  EXPECT_FALSE(library_->FindUnchanged(AnyTicket(), notes, {}, Label::kSecret).has_value());
}

TEST_F(SealedLibraryTest, SameContentUnderAnotherNameCollectionOrLabelIsNotUnchanged) {
  const CollectionId notes = MakeCollection();
  const CollectionId others = MakeCollection("others");
  ASSERT_TRUE(Ingest(notes, "a.txt", "some words").has_value());
  EXPECT_EQ(Ingest(notes, "b.txt", "some words")->outcome, IngestOutcome::kAdded);
  EXPECT_EQ(Ingest(others, "a.txt", "some words")->outcome, IngestOutcome::kAdded);
  EXPECT_EQ(Ingest(notes, "a.txt", "some words", Label::kSecret)->outcome,
            IngestOutcome::kReplaced);
}

TEST_F(SealedLibraryTest, ChangedDocumentReplacesTheOldOneAndErasesItsKey) {
  const CollectionId notes = MakeCollection();
  Result<Ingested> first = Ingest(notes, "a.txt", "old apples here");
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(Hits(notes, "apples"), 1U);  // the index is resident from here on
  Result<Ingested> second = Ingest(notes, "a.txt", "new pears here");
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->outcome, IngestOutcome::kReplaced);
  EXPECT_FALSE(second->caveat.empty());
  EXPECT_EQ(Hits(notes, "apples"), 0U);
  EXPECT_EQ(Hits(notes, "pears"), 1U);
  EXPECT_EQ(library_->GetFile(AnyTicket(), first->file).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(ObjectFiles().size(), 1U);
  EXPECT_TRUE(Eventually([&] { return store_->PendingErasures(10)->empty(); }));
}

TEST_F(SealedLibraryTest, ReplacedKeyStaysAndIsSaidToWithoutAMirror) {
  client_.RequireNoMirror();
  const CollectionId notes = MakeCollection();
  ASSERT_TRUE(Ingest(notes, "a.txt", "one").has_value());
  ASSERT_TRUE(Ingest(notes, "a.txt", "two").has_value());
  std::string caveat;
  int n = 0;
  EXPECT_TRUE(Eventually([&] {
    caveat = Ingest(notes, "a.txt", "version " + std::to_string(++n))->caveat;
    return caveat.find("no mirror") != std::string::npos;
  })) << caveat;
  EXPECT_FALSE(store_->PendingErasures(100)->empty());
}

TEST_F(SealedLibraryTest, ResidentIndexFollowsWhatIsIngested) {
  const CollectionId notes = MakeCollection();
  for (int i = 0; i < 40; ++i) {
    const std::string word = "word" + std::to_string(i);
    ASSERT_TRUE(Ingest(notes, word, "this has " + word + " in it").has_value());
    EXPECT_EQ(Hits(notes, word), 1U) << word;
  }
  EXPECT_EQ(library_->resident_indexes(), 1U);
}

TEST_F(SealedLibraryTest, LongDocumentSpansSegments) {
  const CollectionId notes = MakeCollection();
  std::string text;
  for (int i = 0; i < 600; ++i) {
    text += "# Heading" + std::to_string(i) + "\nParagraph number" + std::to_string(i) + " here.\n";
  }
  Result<Ingested> ingested = Ingest(notes, "long.md", text);
  ASSERT_TRUE(ingested.has_value());
  EXPECT_EQ(ingested->chunks, 600U);
  EXPECT_EQ(Hits(notes, "number599"), 1U);
  EXPECT_EQ(Hits(notes, "number255"), 1U);
}

TEST_F(SealedLibraryTest, EverythingIsThereAfterARestart) {
  const CollectionId notes = MakeCollection();
  Result<Ingested> ingested = Ingest(notes, "a.txt", "durable words");
  ASSERT_TRUE(ingested.has_value());
  OpenLibrary();
  EXPECT_EQ(Hits(notes, "durable"), 1U);
  EXPECT_EQ(S(*library_->ReadFile(AnyTicket(), ingested->file)), "durable words");
  EXPECT_EQ(*library_->FindCollection(AnyTicket(), V("notes")), notes);
  EXPECT_EQ(Ingest(notes, "a.txt", "durable words")->outcome, IngestOutcome::kUnchanged);
}

TEST_F(SealedLibraryTest, DeletedFileIsFoundNowhere) {
  const CollectionId notes = MakeCollection();
  Result<Ingested> ingested = Ingest(notes, "a.txt", "gone words");
  ASSERT_TRUE(ingested.has_value());
  EXPECT_EQ(Hits(notes, "gone"), 1U);
  Result<custody::EraseReply> erased = library_->DeleteFile(AnyTicket(), ingested->file, false);
  ASSERT_TRUE(erased.has_value());
  EXPECT_EQ(erased->erased.size(), 2U);  // the attachment with it
  EXPECT_EQ(Hits(notes, "gone"), 0U);
  EXPECT_EQ(library_->ReadFile(AnyTicket(), ingested->file).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(library_->GetAttachment(AnyTicket(), notes, ingested->file).error().code,
            ErrorCode::kNotFound);
  EXPECT_TRUE(ObjectFiles().empty());
  EXPECT_EQ(library_->DeleteFile(AnyTicket(), ingested->file, false).error().code,
            ErrorCode::kNotFound);
}

TEST_F(SealedLibraryTest, WithoutAMirrorNothingIsDeletedUnlessAccepted) {
  const CollectionId notes = MakeCollection();
  Result<Ingested> ingested = Ingest(notes, "a.txt", "kept words");
  client_.RequireNoMirror();
  Result<custody::EraseReply> erased = library_->DeleteFile(AnyTicket(), ingested->file, false);
  ASSERT_FALSE(erased.has_value());
  EXPECT_EQ(erased.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Hits(notes, "kept"), 1U);
  EXPECT_TRUE(library_->DeleteFile(AnyTicket(), ingested->file, true).has_value());
}

TEST_F(SealedLibraryTest, DeletedCollectionKeepsItsFiles) {
  const CollectionId notes = MakeCollection();
  Result<Ingested> ingested = Ingest(notes, "a.txt", "some words");
  ASSERT_TRUE(library_->DeleteCollection(AnyTicket(), notes, false).has_value());
  EXPECT_EQ(library_->GetCollection(AnyTicket(), notes).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Find(notes, "words").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(*library_->FindCollection(AnyTicket(), V("notes")), std::nullopt);
  EXPECT_EQ(S(*library_->ReadFile(AnyTicket(), ingested->file)), "some words");
}

TEST_F(SealedLibraryTest, DetachedFileIsNotFoundInThatCollectionOnly) {
  const CollectionId notes = MakeCollection();
  const CollectionId others = MakeCollection("others");
  Result<Ingested> ingested = Ingest(notes, "a.txt", "some words");
  ASSERT_TRUE(library_->Attach(AnyTicket(), others, ingested->file).has_value());
  ASSERT_TRUE(
      Eventually([&] { return StatusOf(others, ingested->file) == AttachmentStatus::kCompleted; }));
  ASSERT_TRUE(library_->Detach(AnyTicket(), notes, ingested->file, false).has_value());
  EXPECT_EQ(Hits(notes, "words"), 0U);
  EXPECT_EQ(Hits(others, "words"), 1U);
}

TEST_F(SealedLibraryTest, AttachedFileIsProcessedInTheBackground) {
  const CollectionId notes = MakeCollection();
  Result<FileInfo> file = library_->PutFile(AnyTicket(), V("a.md"), "assistants",
                                            V("# Title\nbackground words"), Label::kInternal);
  ASSERT_TRUE(file.has_value());
  Result<AttachmentInfo> attached = library_->Attach(AnyTicket(), notes, file->id);
  ASSERT_TRUE(attached.has_value());
  EXPECT_EQ(attached->status, AttachmentStatus::kInProgress);
  ASSERT_TRUE(
      Eventually([&] { return StatusOf(notes, file->id) == AttachmentStatus::kCompleted; }));
  EXPECT_EQ(Hits(notes, "background"), 1U);
  Result<CollectionInfo> info = library_->GetCollection(AnyTicket(), notes);
  EXPECT_EQ(info->completed, 1U);
  EXPECT_GT(info->bytes, 0U);
  EXPECT_EQ(library_->Attach(AnyTicket(), notes, file->id)->status, AttachmentStatus::kCompleted);
}

TEST_F(SealedLibraryTest, FilesOfABatchAreCountedTogetherAlsoAfterARestart) {
  const CollectionId notes = MakeCollection();
  std::vector<FileId> files;
  for (const char* name : {"a.txt", "b.txt", "bad.txt"}) {
    files.push_back(library_
                        ->PutFile(AnyTicket(), V(name), "assistants",
                                  V(*name == 'b' && name[1] == 'a' ? "unparsable" : "words here"),
                                  Label::kPublic)
                        ->id);
  }
  Result<BatchInfo> made = library_->AttachBatch(AnyTicket(), notes, files);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(made->attachments.size(), 3U);
  ASSERT_TRUE(Eventually([&] {
    return std::ranges::none_of(
        library_->GetBatch(AnyTicket(), notes, made->id)->attachments,
        [](const AttachmentInfo& info) { return info.status == AttachmentStatus::kInProgress; });
  }));
  OpenLibrary();
  Result<BatchInfo> later = library_->GetBatch(AnyTicket(), notes, made->id);
  ASSERT_TRUE(later.has_value());
  EXPECT_EQ(later->created, made->created);
  std::vector<std::pair<FileId, AttachmentStatus>> seen;
  for (const AttachmentInfo& info : later->attachments) {
    seen.emplace_back(info.file, info.status);
  }
  EXPECT_THAT(seen, testing::ElementsAre(testing::Pair(files[0], AttachmentStatus::kCompleted),
                                         testing::Pair(files[1], AttachmentStatus::kCompleted),
                                         testing::Pair(files[2], AttachmentStatus::kFailed)));
}

TEST_F(SealedLibraryTest, AFileThatIsErasedLeavesItsBatchAndOneThatWasThereJoins) {
  const CollectionId notes = MakeCollection();
  const FileId there =
      library_->PutFile(AnyTicket(), V("a.txt"), "assistants", V("words"), Label::kPublic)->id;
  const FileId fresh =
      library_->PutFile(AnyTicket(), V("b.txt"), "assistants", V("words"), Label::kPublic)->id;
  ASSERT_TRUE(library_->Attach(AnyTicket(), notes, there).has_value());
  const std::vector<FileId> both = {there, fresh, fresh};
  Result<BatchInfo> batch = library_->AttachBatch(AnyTicket(), notes, both);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->attachments.size(), 2U);
  ASSERT_TRUE(library_->DeleteFile(AnyTicket(), fresh, true).has_value());
  batch = library_->GetBatch(AnyTicket(), notes, batch->id);
  ASSERT_TRUE(batch.has_value());
  ASSERT_EQ(batch->attachments.size(), 1U);
  EXPECT_EQ(batch->attachments.front().file, there);
}

TEST_F(SealedLibraryTest, ABatchOfAnotherCollectionOrOfNothingIsNotFound) {
  const CollectionId notes = MakeCollection();
  const CollectionId others = MakeCollection("others");
  const FileId file =
      library_->PutFile(AnyTicket(), V("a.txt"), "assistants", V("words"), Label::kPublic)->id;
  Result<BatchInfo> batch = library_->AttachBatch(AnyTicket(), notes, {&file, 1});
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(library_->GetBatch(AnyTicket(), others, batch->id).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(library_->GetBatch(AnyTicket(), notes, storage::BatchId()).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(library_->AttachBatch(AnyTicket(), notes, {}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST_F(SealedLibraryTest, CancellingABatchStopsWhatIsInProgressAndAttachBeginsItAgain) {
  const CollectionId notes = MakeCollection();
  const FileId file =
      library_->PutFile(AnyTicket(), V("a.txt"), "assistants", V("words"), Label::kPublic)->id;
  parser_ = [](const ParseDocument&) -> Result<ParsedDocument> {
    return Fail(ErrorCode::kResourceExhausted, "no process now");
  };
  OpenLibrary();
  Result<BatchInfo> batch = library_->AttachBatch(AnyTicket(), notes, {&file, 1});
  ASSERT_TRUE(batch.has_value());
  Result<BatchInfo> cancelled = library_->CancelBatch(AnyTicket(), notes, batch->id);
  ASSERT_TRUE(cancelled.has_value());
  EXPECT_EQ(cancelled->attachments.front().status, AttachmentStatus::kCancelled);
  parser_ = FakeParse;
  OpenLibrary();
  EXPECT_EQ(StatusOf(notes, file), AttachmentStatus::kCancelled);
  ASSERT_TRUE(library_->Attach(AnyTicket(), notes, file).has_value());
  EXPECT_TRUE(Eventually([&] { return StatusOf(notes, file) == AttachmentStatus::kCompleted; }));
}

TEST_F(SealedLibraryTest, AttachmentThatARestartInterruptedGoesOn) {
  const CollectionId notes = MakeCollection();
  Result<FileInfo> file =
      library_->PutFile(AnyTicket(), V("a.txt"), "assistants", V("resumed words"), Label::kPublic);
  parser_ = [](const ParseDocument&) -> Result<ParsedDocument> {
    return Fail(ErrorCode::kResourceExhausted, "no process now");
  };
  OpenLibrary();
  ASSERT_TRUE(library_->Attach(AnyTicket(), notes, file->id).has_value());
  EXPECT_EQ(StatusOf(notes, file->id), AttachmentStatus::kInProgress);
  parser_ = FakeParse;
  OpenLibrary();
  ASSERT_TRUE(
      Eventually([&] { return StatusOf(notes, file->id) == AttachmentStatus::kCompleted; }));
  EXPECT_EQ(Hits(notes, "resumed"), 1U);
}

TEST_F(SealedLibraryTest, DocumentThatCannotBeParsedFailsWithItsReason) {
  const CollectionId notes = MakeCollection();
  Result<FileInfo> bad =
      library_->PutFile(AnyTicket(), V("bad.txt"), "assistants", V("unparsable"), Label::kPublic);
  Result<FileInfo> good =
      library_->PutFile(AnyTicket(), V("good.txt"), "assistants", V("good words"), Label::kPublic);
  ASSERT_TRUE(library_->Attach(AnyTicket(), notes, bad->id).has_value());
  ASSERT_TRUE(library_->Attach(AnyTicket(), notes, good->id).has_value());
  ASSERT_TRUE(
      Eventually([&] { return StatusOf(notes, good->id) == AttachmentStatus::kCompleted; }));
  Result<AttachmentInfo> info = library_->GetAttachment(AnyTicket(), notes, bad->id);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->status, AttachmentStatus::kFailed);
  ASSERT_TRUE(info->failure.has_value());
  EXPECT_EQ(info->failure->message, "unparsable document");
  EXPECT_EQ(library_->GetCollection(AnyTicket(), notes)->failed, 1U);
}

TEST_F(SealedLibraryTest, BadDocumentsAreRefusedAndLeaveNothing) {
  const CollectionId notes = MakeCollection();
  struct Case {
    std::string text;
    ErrorCode code;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"", ErrorCode::kInvalidArgument, "empty file"},
      {" \n ", ErrorCode::kInvalidArgument, "empty file"},
      {std::string("a\0b", 3), ErrorCode::kInvalidArgument, "binary file"},
      {"\x89PNG\r\n", ErrorCode::kInvalidArgument, "a picture (PNG)"},
      {"\x7f"
       "ELF",
       ErrorCode::kInvalidArgument, "ELF"},
      {"unparsable", ErrorCode::kInvalidArgument, "unparsable"},
      {std::string((1 << 20) + 1, 'x'), ErrorCode::kTooLarge, "at most 1048576"}};
  for (const Case& c : cases) {
    Result<Ingested> ingested = Ingest(notes, "a.txt", c.text);
    ASSERT_FALSE(ingested.has_value()) << c.message;
    EXPECT_EQ(ingested.error().code, c.code) << c.message;
    EXPECT_NE(ingested.error().message.find(c.message), std::string::npos)
        << ingested.error().message;
  }
  EXPECT_EQ(Ingest(notes, "", "x").error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(ObjectFiles().empty());
  EXPECT_EQ(library_->GetCollection(AnyTicket(), notes)->completed, 0U);
}

TEST_F(SealedLibraryTest, ListsPageInBothDirections) {
  std::vector<FileId> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(
        library_
            ->PutFile(AnyTicket(), V("f" + std::to_string(i)), "user_data", V("x"), Label::kPublic)
            ->id);
  }
  Result<Listed<FileInfo>> newest = library_->ListFiles(AnyTicket(), {.limit = 2, .after = {}});
  ASSERT_TRUE(newest.has_value());
  ASSERT_EQ(newest->items.size(), 2U);
  EXPECT_TRUE(newest->has_more);
  EXPECT_EQ(newest->items[0].id, ids[4]);
  Result<Listed<FileInfo>> next =
      library_->ListFiles(AnyTicket(), {.limit = 3, .after = newest->items[1].id.ToString()});
  ASSERT_TRUE(next.has_value());
  ASSERT_EQ(next->items.size(), 3U);
  EXPECT_FALSE(next->has_more);
  EXPECT_EQ(next->items[2].id, ids[0]);
  Result<Listed<FileInfo>> oldest =
      library_->ListFiles(AnyTicket(), {.limit = 1, .ascending = true, .after = {}});
  EXPECT_EQ(oldest->items[0].id, ids[0]);
  EXPECT_EQ(S(oldest->items[0].name), "f0");
  EXPECT_EQ(library_->ListFiles(AnyTicket(), {.after = "nonsense"}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST_F(SealedLibraryTest, ListsOfAttachmentsAndCollectionsPage) {
  const CollectionId notes = MakeCollection("one");
  MakeCollection("two");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Ingest(notes, std::to_string(i), "text").has_value());
  }
  Result<Listed<AttachmentInfo>> page =
      library_->ListAttachments(AnyTicket(), notes, {.limit = 2, .after = {}});
  ASSERT_TRUE(page.has_value());
  ASSERT_EQ(page->items.size(), 2U);
  EXPECT_TRUE(page->has_more);
  EXPECT_EQ(page->items[0].chunks, 1U);
  Result<Listed<AttachmentInfo>> rest = library_->ListAttachments(
      AnyTicket(), notes, {.limit = 2, .after = page->items[1].file.ToString()});
  EXPECT_EQ(rest->items.size(), 1U);
  Result<Listed<CollectionInfo>> collections = library_->ListCollections(AnyTicket(), {});
  ASSERT_EQ(collections->items.size(), 2U);
  EXPECT_EQ(S(collections->items[0].name), "two");
  EXPECT_EQ(collections->items[1].completed, 3U);
}

TEST_F(SealedLibraryTest, TicketThatLacksTheActionIsRefused) {
  const CollectionId notes = MakeCollection();
  Result<Ingested> ingested = Ingest(notes, "a.txt", "some words");
  const custody::Ticket list = TicketFor(static_cast<policy::ActionSet>(Action::kList));
  EXPECT_EQ(library_->ReadFile(list, ingested->file).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(library_->Search(list, std::array{notes}, V("words"), 5).error().code,
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(library_->Ingest(list, notes, V("b"), V("x"), Label::kPublic).error().code,
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(library_->DeleteFile(list, ingested->file, false).error().code,
            ErrorCode::kPermissionDenied);
  const custody::Ticket search = TicketFor(static_cast<policy::ActionSet>(Action::kSearch));
  EXPECT_EQ(library_->GetFile(search, ingested->file).error().code, ErrorCode::kPermissionDenied);
  EXPECT_TRUE(library_->ListFiles(search, {.after = {}})->items.empty());
  EXPECT_TRUE(library_->Search(search, std::array{notes}, V("words"), 5).has_value());
}

TEST_F(SealedLibraryTest, SearchShowsNothingAboveTheTicketsLabelOrOutsideItsCollections) {
  const CollectionId notes = MakeCollection();
  const CollectionId others = MakeCollection("others");
  ASSERT_TRUE(Ingest(notes, "low", "treasure low", Label::kInternal).has_value());
  ASSERT_TRUE(Ingest(notes, "high", "treasure high", Label::kSecret).has_value());
  ASSERT_TRUE(Ingest(others, "other", "treasure other").has_value());
  EXPECT_EQ(Hits(notes, "treasure"), 2U);

  const auto search = static_cast<policy::ActionSet>(Action::kSearch);
  Result<std::vector<SearchHit>> hits = library_->Search(
      TicketFor(search, {notes}, Label::kInternal), std::array{notes}, V("treasure"), 10);
  ASSERT_TRUE(hits.has_value()) << hits.error().message;
  ASSERT_EQ(hits->size(), 1U);
  EXPECT_EQ(S((*hits)[0].text), "treasure low");
  EXPECT_EQ((*hits)[0].label, Label::kInternal);
  EXPECT_EQ(library_->Search(TicketFor(search, {notes}), std::array{others}, V("treasure"), 10)
                .error()
                .code,
            ErrorCode::kNotFound);
}

TEST_F(SealedLibraryTest, SearchOverTwoCollectionsTakesTheBestOfBoth) {
  const CollectionId notes = MakeCollection();
  const CollectionId others = MakeCollection("others");
  ASSERT_TRUE(Ingest(notes, "a", "apples and more").has_value());
  ASSERT_TRUE(Ingest(others, "b", "apples and less").has_value());
  Result<std::vector<SearchHit>> hits =
      library_->Search(AnyTicket(), std::array{notes, others}, V("apples"), 2);
  ASSERT_TRUE(hits.has_value());
  ASSERT_EQ(hits->size(), 2U);
  EXPECT_NE((*hits)[0].file, (*hits)[1].file);
}

TEST_F(SealedLibraryTest, LimitOutsideItsRangeIsRefused) {
  const CollectionId notes = MakeCollection();
  for (const std::size_t limit : {std::size_t{0}, std::size_t{51}}) {
    EXPECT_EQ(library_->Search(AnyTicket(), std::array{notes}, V("x"), limit).error().code,
              ErrorCode::kInvalidArgument);
  }
}

TEST_F(SealedLibraryTest, RevocationDropsIndexesAndEndsSearch) {
  const CollectionId notes = MakeCollection();
  ASSERT_TRUE(Ingest(notes, "a", "apples").has_value());
  EXPECT_EQ(Hits(notes, "apples"), 1U);
  EXPECT_EQ(library_->resident_indexes(), 1U);
  const custody::Ticket before = AnyTicket();
  client_.RevokePrincipal();
  EXPECT_FALSE(library_->Search(before, std::array{notes}, V("apples"), 5).has_value());
  EXPECT_TRUE(Eventually([&] { return library_->resident_indexes() == 0; }));
}

TEST_F(SealedLibraryTest, IdleIndexIsDropped) {
  idle_ = std::chrono::milliseconds(30);
  OpenLibrary();
  const CollectionId notes = MakeCollection();
  ASSERT_TRUE(Ingest(notes, "a", "apples").has_value());
  EXPECT_EQ(Hits(notes, "apples"), 1U);
  EXPECT_TRUE(Eventually([&] { return library_->resident_indexes() == 0; }));
  EXPECT_EQ(Hits(notes, "apples"), 1U);
}

TEST_F(SealedLibraryTest, WithoutTheCustodianNothingIsStoredOrShown) {
  const CollectionId notes = MakeCollection();
  ASSERT_TRUE(Ingest(notes, "a", "apples").has_value());
  const custody::Ticket ticket = AnyTicket();
  client_.SetUnavailable(true);
  EXPECT_EQ(library_->Search(ticket, std::array{notes}, V("apples"), 5).error().code,
            ErrorCode::kUnavailable);
  EXPECT_EQ(library_->Ingest(ticket, notes, V("b"), V("x"), Label::kPublic).error().code,
            ErrorCode::kUnavailable);
  client_.SetUnavailable(false);
  EXPECT_EQ(Hits(notes, "apples"), 1U);
}

TEST_F(SealedLibraryTest, ManyThreadsIngestAndSearchAtOnce) {
  const CollectionId notes = MakeCollection();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 8; ++i) {
        const std::string name = "n" + std::to_string(i % 3);
        EXPECT_TRUE(Ingest(notes, name, "thread " + std::to_string(t * 100 + i)).has_value());
        EXPECT_TRUE(Find(notes, "thread").has_value());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(library_->GetCollection(AnyTicket(), notes)->completed, 3U);
  EXPECT_EQ(Hits(notes, "thread"), 3U);
}

TEST_F(SealedLibraryTest, HitsTellTheirPage) {
  const CollectionId notes = MakeCollection();
  ASSERT_TRUE(Ingest(notes, "book.txt", "\fmoats are wet\n\fturrets are high\n").has_value());
  ASSERT_TRUE(Ingest(notes, "note.txt", "gates are wide\n").has_value());
  const auto hits = Find(notes, "turrets");
  ASSERT_TRUE(hits.has_value() && !hits->empty());
  EXPECT_EQ(hits->front().page, 2U);
  EXPECT_EQ(S(hits->front().text), "turrets are high");
  const auto pageless = Find(notes, "gates");
  ASSERT_TRUE(pageless.has_value() && !pageless->empty());
  EXPECT_EQ(pageless->front().page, 0U);
}

}  // namespace
}  // namespace casemate::retrieval
