#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "app/ingest_files.h"
#include "app/ingest_watch.h"

namespace casemate::app {
namespace {

namespace fs = std::filesystem;

class IngestTest : public testing::Test {
 protected:
  IngestTest() {
    std::string pattern = (fs::temp_directory_path() / "ingest_test.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data()) == nullptr ? "" : pattern;
  }
  ~IngestTest() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& content = "x") {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << content;
  }
  // The names found, with a space after each.
  std::string Found(const FileChoice& choice = {}) {
    Result<std::vector<FoundFile>> files = FindFiles({folder_.string()}, choice);
    std::string names = files ? "" : files.error().message;
    for (const FoundFile& file : files ? *files : std::vector<FoundFile>()) {
      names += file.name + " ";
    }
    return names;
  }

  fs::path folder_;
};

TEST_F(IngestTest, AFolderGivesTheKindsThatAreRead) {
  for (const char* name : {"b.md", "a/c.PDF", "a/d.eml", "e.bin", "README", "f.docx"}) {
    Write(name);
  }
  EXPECT_EQ(Found(), "a/c.PDF a/d.eml b.md f.docx ");
}

TEST_F(IngestTest, HiddenFilesAndFoldersAreLeftOut) {
  for (const char* name : {".git/a.md", ".b.md", "c/.d/e.md", "f.md"}) {
    Write(name);
  }
  EXPECT_EQ(Found(), "f.md ");
}

TEST_F(IngestTest, LinksAreFollowedOnlyWhenAsked) {
  Write("a/b.md");
  fs::create_symlink(folder_ / "a/b.md", folder_ / "link.md");
  fs::create_directory_symlink(folder_, folder_ / "a/loop");
  fs::create_directory_symlink(folder_ / "a", folder_ / "c");
  EXPECT_EQ(Found(), "a/b.md ");
  const std::string followed = Found({.include = {}, .exclude = {}, .follow_links = true});
  EXPECT_NE(followed.find("link.md "), std::string::npos);
  EXPECT_EQ(followed.find("loop"), std::string::npos);  // it stands above itself
}

TEST_F(IngestTest, GlobsChoose) {
  for (const char* name : {"a.md", "logs/b.log", "logs/c.md", "old/d.md"}) {
    Write(name);
  }
  EXPECT_EQ(Found({.include = {"*.log"}, .exclude = {}}), "logs/b.log ");
  EXPECT_EQ(Found({.include = {}, .exclude = {"old"}}), "a.md logs/c.md ");
  EXPECT_EQ(Found({.include = {}, .exclude = {"logs/*", "d.*"}}), "a.md ");
  EXPECT_EQ(Found({.include = {"*"}, .exclude = {"*.md"}}), "logs/b.log ");
}

TEST_F(IngestTest, AFileThatIsNamedIsTakenWhateverItIsCalled) {
  Write("odd.name");
  Result<std::vector<FoundFile>> files = FindFiles({(folder_ / "odd.name").string()}, {});
  ASSERT_TRUE(files.has_value());
  ASSERT_EQ(files->size(), 1U);
  EXPECT_EQ(files->front().name, "odd.name");
  EXPECT_FALSE(FindFiles({(folder_ / "none").string()}, {}).has_value());
}

TEST_F(IngestTest, WatchingTellsWhatChangesInOldAndNewFolders) {
  Write("a/b.md");
  Result<FolderWatch> watch = FolderWatch::Start({folder_.string()});
  ASSERT_TRUE(watch.has_value()) << watch.error().message;
  const std::atomic<bool> go_on = false;
  EXPECT_FALSE(watch->Wait(go_on, std::chrono::milliseconds(1)).value());
  Write("a/c.md");
  EXPECT_TRUE(watch->Wait(go_on, std::chrono::minutes(1)).value());
  Write("new/deep/d.md");
  EXPECT_TRUE(watch->Wait(go_on, std::chrono::minutes(1)).value());
  Write("new/deep/e.md");
  EXPECT_TRUE(watch->Wait(go_on, std::chrono::minutes(1)).value());
  fs::remove(folder_ / "a/c.md");
  EXPECT_TRUE(watch->Wait(go_on, std::chrono::minutes(1)).value());
  const std::atomic<bool> stopped = true;
  EXPECT_FALSE(watch->Wait(stopped, std::chrono::minutes(1)).value());
}

}  // namespace
}  // namespace casemate::app
