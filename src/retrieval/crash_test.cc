#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <random>
#include <string>

#include "base/fd.h"
#include "retrieval/derived_release_client.h"
#include "retrieval/fake_models.h"
#include "retrieval/sealed_library.h"

// Deaths at any moment, and a disk that is full. Keys are left out of forks (secmem/key.h), so the
// test process itself never touches one: whatever opens a library is a child of its own.
namespace casemate::retrieval {
namespace {

namespace fs = std::filesystem;

PlaintextView V(std::string_view text) { return PlaintextView::Of(text); }

TenantId Tenant() {
  TenantId::Array bytes{};
  bytes[0] = std::byte{7};
  return TenantId(bytes);
}

// A library in `folder`; the same keys in every process.
class Deployment {
 public:
  explicit Deployment(const fs::path& folder) {
    auto opened = storage::TenantStore::Open(folder, Tenant());
    if (!opened) {
      return;
    }
    store_ = std::move(*opened);
    SealedLibraryOptions options;
    options.pipeline = {.chat_model = "chat", .embedding_model = "embed", .chunk = {}};
    library_ = std::make_unique<SealedLibrary>(*store_, client_, rooms_, FakeParse, options);
  }
  bool opened() const { return library_ != nullptr; }
  SealedLibrary& library() { return *library_; }
  custody::Ticket Ticket() { return std::move(*client_.Request({})); }
  custody::Ticket SecretTicket() {
    custody::TicketRequest request;
    request.label = policy::kHighestLabel;
    return std::move(*client_.Request(request));
  }
  Result<CollectionId> Collection() {
    const custody::Ticket ticket = Ticket();
    Result<std::optional<CollectionId>> found = library_->FindCollection(ticket, V("notes"));
    if (!found || *found) {
      return found ? Result<CollectionId>(**found) : std::unexpected(found.error());
    }
    Result<CollectionInfo> made =
        library_->CreateCollection(ticket, V("notes"), policy::kLowestLabel);
    return made ? Result<CollectionId>(made->id) : std::unexpected(made.error());
  }
  Result<Ingested> Ingest(CollectionId collection, std::uint32_t seed, std::size_t number) {
    return library_->Ingest(Ticket(), collection, V(NameOf(number)), V(TextOf(seed, number)),
                            policy::kLowestLabel);
  }

  static std::string NameOf(std::size_t number) { return "document" + std::to_string(number); }
  static std::string TextOf(std::uint32_t seed, std::size_t number) {
    std::mt19937 random(seed * 1000 + static_cast<std::uint32_t>(number));
    std::string text = "unique" + std::to_string(number) + " stands here.";
    for (std::uint32_t words = random() % 3000; words > 0; --words) {
      text += " word";
    }
    return text;
  }

 private:
  DerivedReleaseClient client_;
  FakeRoomDirectory rooms_;
  std::unique_ptr<storage::TenantStore> store_;
  std::unique_ptr<SealedLibrary> library_;
};

class CrashTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "crash_test.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Runs `body` in a child; its return value is the exit status.
  static pid_t Start(const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::_exit(body());
    }
    return child;
  }
  static int ExitOf(pid_t child) {
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
      return -1;
    }
    return WEXITSTATUS(status);
  }

  fs::path folder_;
};

// Ingests until it is killed; writes a byte for each document that was acknowledged.
int IngestForever(const fs::path& folder, std::uint32_t seed, int acknowledge) {
  Deployment deployment(folder);
  if (!deployment.opened()) {
    return 1;
  }
  Result<CollectionId> collection = deployment.Collection();
  for (std::size_t i = 0; collection && i < 200; ++i) {
    const char done = 1;
    if (!deployment.Ingest(*collection, seed, i) || ::write(acknowledge, &done, 1) != 1) {
      return 2;
    }
  }
  ::pause();
  return 3;
}

// What must hold after the kill; 0, or which of it did not.
int Check(const fs::path& folder, std::uint32_t seed, std::size_t acknowledged) {
  Deployment deployment(folder);
  if (!deployment.opened()) {
    return 1;
  }
  Result<CollectionId> collection = deployment.Collection();
  if (!collection) {
    return 2;
  }
  const custody::Ticket ticket = deployment.SecretTicket();
  for (std::size_t i = 0; i < acknowledged; ++i) {
    Result<Ingested> again = deployment.Ingest(*collection, seed, i);
    if (!again || again->outcome != IngestOutcome::kUnchanged) {
      return 3;
    }
    Result<Plaintext> text = deployment.library().ReadFile(ticket, again->file);
    if (!text || text->view().Reveal() != Deployment::TextOf(seed, i)) {
      return 4;
    }
    Result<std::vector<SearchHit>> hits =
        deployment.library().Search(ticket, {&*collection, 1}, V("unique" + std::to_string(i)), 1);
    if (!hits || hits->size() != 1 || hits->front().file != again->file) {
      return 5;
    }
  }
  // At most the one that was under way is there besides, and it is whole.
  Result<Listed<FileInfo>> files =
      deployment.library().ListFiles(ticket, {.limit = 1000, .ascending = true, .after = {}});
  if (!files || files->items.size() > acknowledged + 1) {
    return 6;
  }
  for (const FileInfo& file : files->items) {
    if (!deployment.library().ReadFile(ticket, file.id)) {
      return 7;
    }
  }
  // And the next one goes in.
  return deployment.Ingest(*collection, seed, 1000) ? 0 : 8;
}

TEST_F(CrashTest, DocumentsAcknowledgedBeforeAKillAreThere) {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    const fs::path folder = folder_ / std::to_string(seed);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    const pid_t child = Start([&] { return IngestForever(folder, seed, writing.get()); });
    ASSERT_GT(child, 0);
    writing.Reset();
    // Killed some microseconds after some acknowledgement.
    std::mt19937 random(seed);
    std::size_t acknowledged = 0;
    const std::size_t until = 1 + random() % 12;
    char one = 0;
    while (acknowledged < until && ::read(reading.get(), &one, 1) == 1) {
      ++acknowledged;
    }
    ::usleep(random() % 20'000);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    while (::read(reading.get(), &one, 1) == 1) {
      ++acknowledged;
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "seed " << seed << " status " << status;
    ASSERT_GE(acknowledged, until) << "seed " << seed;
    EXPECT_EQ(ExitOf(Start([&] { return Check(folder, seed, acknowledged); })), 0)
        << "seed " << seed;
  }
}

// On a file system of 2 MiB, mounted in a mount namespace of this process alone.
int FillDisk(const fs::path& folder) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    return 20;
  }
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=2m") != 0) {
    return 21;
  }
  std::size_t stored = 0;
  {
    Deployment deployment(folder / "tenant");
    if (!deployment.opened()) {
      return 22;
    }
    Result<CollectionId> collection = deployment.Collection();
    if (!collection) {
      return 23;
    }
    Error last;
    for (; stored < 500; ++stored) {
      Result<Ingested> ingested = deployment.Ingest(*collection, 1, stored);
      if (!ingested) {
        last = ingested.error();
        break;
      }
    }
    if (stored == 0 || stored == 500) {
      return 24;
    }
    if (last.code != ErrorCode::kResourceExhausted ||
        last.message.find("disk is full") == std::string::npos) {
      return 25;
    }
    // Searching goes on while nothing can be written.
    Result<std::vector<SearchHit>> hits =
        deployment.library().Search(deployment.SecretTicket(), {&*collection, 1}, V("unique0"), 1);
    if (!hits || hits->size() != 1) {
      return 26;
    }
    Result<Listed<FileInfo>> files = deployment.library().ListFiles(
        deployment.Ticket(), {.limit = 1000, .ascending = true, .after = {}});
    if (!files || files->items.size() != stored) {
      return 27;
    }
  }
  // What is over is what was acknowledged; once there is room, new documents go in.
  if (::mount("tmpfs", folder.c_str(), "tmpfs", MS_REMOUNT, "size=64m") != 0) {
    return 28;
  }
  return Check(folder / "tenant", 1, stored);
}

TEST_F(CrashTest, FullDiskRefusesWhatIsNewAndKeepsWhatWasAcknowledged) {
  EXPECT_EQ(ExitOf(Start([&] { return FillDisk(folder_); })), 0);
}

}  // namespace
}  // namespace casemate::retrieval
