#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "inference/room/embedder.h"
#include "inference/room/generator_test_support.h"

// The files of models/ are the ones that were judged, and say what they said then. Greedy answers
// are compared on ggml's plain x86-64 backend: others round otherwise.
namespace casemate::inference {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(CASEMATE_SOURCE_DIR) / "models";

// File name to digest, of lines as sha256sum writes them.
std::map<std::string, std::string> ReadSums() {
  std::map<std::string, std::string> sums;
  std::ifstream file(kFolder / "SHA256SUMS");
  std::string digest;
  std::string name;
  while (file >> digest >> name) {
    sums[name] = digest;
  }
  return sums;
}

TEST(ShippedModelsTest, EveryFileHasItsDigestAndThereAreNoOthers) {
  std::map<std::string, std::string> found;
  std::uintmax_t bytes = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".gguf") {
      continue;
    }
    Result<Bytes> content = ReadFile(entry.path(), std::size_t{64} << 20);
    ASSERT_TRUE(content.has_value()) << entry.path();
    found[entry.path().filename()] = ToHex(crypto::Sha256(*content));
    bytes += entry.file_size();
  }
  EXPECT_EQ(found, ReadSums());
  EXPECT_EQ(found.size(), 2U);
  EXPECT_LE(bytes, 48'000'000U);
}

TEST(ShippedModelsTest, TheAnswererSaysWhatThePassageSaysAndCitesIt) {
  auto generator = Make();
  const Answers answers = ReplyAll(*generator, Ask(kKeel.passages, kKeel.question));
  ASSERT_TRUE(answers.done.has_value()) << answers.done.error().message;
  EXPECT_EQ(answers.choices[0].text, kKeel.answer);
}

TEST(ShippedModelsTest, TheEmbedderPutsAnAnswerNearItsQuestion) {
  LoadTestBackends();
  Result<Bytes> content = ReadFile(kFolder / "casemate-embed-q8_0.gguf", std::size_t{64} << 20);
  ASSERT_TRUE(content.has_value());
  const UniqueFd file = SealedFile(*content);
  Result<LlamaModel> model = LlamaModel::Load(file.get());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  Result<std::unique_ptr<Embedder>> embedder = Embedder::Create(*model, {.threads = 1}, UniqueFd());
  ASSERT_TRUE(embedder.has_value()) << embedder.error().message;
  Rank request;
  request.query = Plaintext::Copy("How do I open a file?");
  for (const std::string_view text :
       {"The garbage collector frees memory that no object refers to.",
        "open(name) opens the file with that name and returns a file object.",
        "Dates are printed in the order year, month, day."}) {
    request.documents.push_back(Plaintext::Copy(text));
  }
  Result<RankReply> reply = (*embedder)->Rank(request, {});
  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  ASSERT_EQ(reply->scores.size(), 3U);
  EXPECT_GT(reply->scores[1], reply->scores[0]);
  EXPECT_GT(reply->scores[1], reply->scores[2]);
}

}  // namespace
}  // namespace casemate::inference
