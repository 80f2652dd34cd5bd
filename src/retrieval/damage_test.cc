#include "base/file.h"
#include "retrieval/sealed_library_fixture.h"

// What somebody can do to the files of a store, and what it gets.
namespace casemate::retrieval {
namespace {

using policy::Label;

class DamageTest : public SealedLibraryFixture {
 protected:
  DamageTest() : notes_(MakeCollection()) {
    std::string text;
    for (int i = 0; i < 2000; ++i) {
      text += "apple number " + std::to_string(i) + ". ";
    }
    file_ = Ingest(notes_, "a.txt", text)->file;
  }
  // Fails as damaged, and says which object it is.
  template <typename T>
  void ExpectDamaged(const Result<T>& result, const std::string& name) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::kIntegrityFailure) << result.error().message;
    EXPECT_NE(result.error().message.find(name), std::string::npos) << result.error().message;
  }
  Bytes ReadObject() { return *ReadFile(ObjectFiles().at(0), 1 << 24U); }
  void WriteObject(const Bytes& content) {
    const auto path = ObjectFiles().at(0);
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(content.data()),
               static_cast<std::streamsize>(content.size()));
  }

  CollectionId notes_;
  FileId file_;
};

TEST_F(DamageTest, FlippedBitInSealedMetadataIsFoundAndNamed) {
  FlipBlob("file", "metadata", "TRUE");
  ExpectDamaged(library_->GetFile(AnyTicket(), file_), file_.ToString());
  ExpectDamaged(library_->ListFiles(AnyTicket(), {.after = {}}), file_.ToString());
  FlipBlob("collection", "metadata", "TRUE");
  ExpectDamaged(library_->GetCollection(AnyTicket(), notes_), notes_.ToString());
  FlipBlob("attachment", "metadata", "TRUE");
  ExpectDamaged(library_->GetAttachment(AnyTicket(), notes_, file_), file_.ToString());
}

TEST_F(DamageTest, FlippedBitInChunksOrVectorsIsFoundAndNamed) {
  for (const char* part : {"part = 5 AND number = 0", "part = 6 AND number = 0"}) {
    FlipBlob("segment", "sealed", part);
    OpenLibrary();
    ExpectDamaged(Find(notes_, "apple"), file_.ToString());
    FlipBlob("segment", "sealed", part);  // back again
    OpenLibrary();
    EXPECT_TRUE(Find(notes_, "apple").has_value());
  }
}

TEST_F(DamageTest, FlippedBitAnywhereInAnObjectFileIsFoundAndNamed) {
  const Bytes whole = ReadObject();
  for (std::size_t at = 0; at < whole.size(); at += 997) {
    Bytes changed = whole;
    changed[at] ^= std::byte{0x01};
    WriteObject(changed);
    ExpectDamaged(library_->ReadFile(AnyTicket(), file_), file_.ToString());
  }
  WriteObject(whole);
  EXPECT_TRUE(library_->ReadFile(AnyTicket(), file_).has_value());
}

TEST_F(DamageTest, CutLengthenedOrMissingObjectFileIsFoundAndNamed) {
  const Bytes whole = ReadObject();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{55}, std::size_t{56},
                                 std::size_t{16'456}, whole.size() - 1}) {
    WriteObject({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    ExpectDamaged(library_->ReadFile(AnyTicket(), file_), file_.ToString());
  }
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  WriteObject(longer);
  ExpectDamaged(library_->ReadFile(AnyTicket(), file_), file_.ToString());
  std::filesystem::remove(ObjectFiles().at(0));
  ExpectDamaged(library_->ReadFile(AnyTicket(), file_), file_.ToString());
}

TEST_F(DamageTest, SealedPartMovedToAnotherObjectDoesNotOpen) {
  const FileId other = Ingest(notes_, "b.txt", "other words")->file;
  {
    storage::Database database = RawDatabase();
    ASSERT_TRUE(database
                    .Execute("UPDATE file SET metadata = (SELECT metadata FROM file ORDER BY seq "
                             "LIMIT 1) WHERE seq = (SELECT max(seq) FROM file)")
                    .has_value());
  }
  ExpectDamaged(library_->GetFile(AnyTicket(), other), other.ToString());
  EXPECT_TRUE(library_->GetFile(AnyTicket(), file_).has_value());
}

TEST_F(DamageTest, AttachmentMovedToAnotherCollectionIsFound) {
  const CollectionId others = MakeCollection("others");
  {
    storage::Database database = RawDatabase();
    auto move = database.Prepare("UPDATE attachment SET collection = ?");
    ASSERT_TRUE(move.has_value());
    ASSERT_TRUE(move->BindBlob(0, others.bytes()).Run().has_value());
  }
  EXPECT_FALSE(Find(others, "apple").has_value());
  EXPECT_FALSE(library_->GetAttachment(AnyTicket(), others, file_).has_value());
}

TEST_F(DamageTest, MissingSegmentIsFound) {
  std::string text;
  for (int i = 0; i < 600; ++i) {
    text += "# H" + std::to_string(i) + "\nplum.\n";
  }
  const FileId file = Ingest(notes_, "long.md", text)->file;
  {
    storage::Database database = RawDatabase();
    ASSERT_TRUE(database.Execute("DELETE FROM segment WHERE number = 2").has_value());
  }
  ExpectDamaged(Find(notes_, "plum"), file.ToString());
}

TEST_F(DamageTest, StoreOfAnotherTenantIsRefused) {
  library_.reset();
  store_.reset();
  auto opened = storage::TenantStore::Open(folder_ / "tenant", TenantId());
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kIntegrityFailure);
}

TEST_F(DamageTest, ObjectFilesThatNoRowNamesAreRemovedAtStart) {
  const auto stray = ObjectFiles().at(0).parent_path() / "00112233445566778899aabbccddeeff";
  std::ofstream(stray) << "left by a crash";
  OpenLibrary();
  EXPECT_FALSE(std::filesystem::exists(stray));
  EXPECT_EQ(ObjectFiles().size(), 1U);
  EXPECT_TRUE(library_->ReadFile(AnyTicket(), file_).has_value());
}

TEST_F(DamageTest, ErasedInTheTreeWithRowsLeftBehindIsSkippedAndOpensNothing) {
  Ingest(notes_, "b.txt", "pear").value();
  // As after a crash between the erasure and the removal of the rows.
  const auto row = store_->GetFile(file_);
  const custody::ObjectRef ref{As<ObjectId>(file_), (*row)->slot};
  ASSERT_TRUE(client_.Erase(AnyTicket(), {&ref, 1}, false).has_value());
  EXPECT_EQ(library_->ReadFile(AnyTicket(), file_).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(library_->ListFiles(AnyTicket(), {.after = {}})->items.size(), 1U);
  EXPECT_EQ(Hits(notes_, "apple"), 0U);
  EXPECT_EQ(Hits(notes_, "pear"), 1U);
  EXPECT_EQ(library_->DeleteFile(AnyTicket(), file_, false).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(ObjectFiles().size(), 1U);
}

// Where `marker` stands, as it is or in UTF-16, in any file below `folder`.
std::string FileThatHolds(const std::filesystem::path& folder, const std::string& marker) {
  std::string wide;
  for (const char c : marker) {
    wide += c;
    wide += '\0';
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) {
      continue;
    }
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(in)), {});
    for (const std::string& form : {marker, wide, std::string(marker.rbegin(), marker.rend())}) {
      if (content.find(form) != std::string::npos ||
          entry.path().string().find(form) != std::string::npos) {
        return entry.path().string();
      }
    }
  }
  return {};
}

TEST_F(DamageTest, MarkersOfContentAndNamesAreInNoFile) {
  const std::string marker = "ZQXMARKER7481";
  const CollectionId collection = MakeCollection(marker + "-collection");
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Ingest(collection, marker + std::to_string(i) + ".md",
                       "# " + marker + " heading\nText with " + marker + " inside.\n")
                    .has_value());
  }
  Result<FileInfo> bad = library_->PutFile(AnyTicket(), V(marker + "-bad"), "assistants",
                                           V("unparsable " + marker), Label::kPublic);
  ASSERT_TRUE(library_->Attach(AnyTicket(), collection, bad->id).has_value());
  ASSERT_TRUE(
      Eventually([&] { return StatusOf(collection, bad->id) == AttachmentStatus::kFailed; }));
  ASSERT_TRUE(Find(collection, marker).has_value());
  EXPECT_EQ(FileThatHolds(folder_, marker), "");      // with -wal and -shm
  EXPECT_NE(FileThatHolds(folder_, "metadata"), "");  // the search itself works
  library_.reset();
  store_.reset();
  EXPECT_EQ(FileThatHolds(folder_, marker), "");
}

}  // namespace
}  // namespace casemate::retrieval
