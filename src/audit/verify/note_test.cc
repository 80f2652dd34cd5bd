#include "audit/verify/note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/verify/checkpoint.h"
#include "audit/verify/proof.h"
#include "audit/verify/test_log.h"

namespace casemate::audit {
namespace {

using testing::HasSubstr;

// The example of C2SP signed-note.md (CC BY 4.0 or BSD-1-Clause, github.com/C2SP/C2SP).
constexpr std::string_view kSpecKey =
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
constexpr std::string_view kSpecNote =
    "This is an example message.\n\n"
    "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFX"
    "mRKuwHjG1Yu72IneyaQM=\n";

TEST(VerifierKeyTest, TheSpecificationsKeyIsReadAndWritten) {
  const Result<VerifierKey> key = VerifierKey::Parse(kSpecKey);
  ASSERT_TRUE(key.has_value()) << key.error().message;
  EXPECT_EQ(key->name, "example.com/foo");
  EXPECT_EQ(key->id(), 0x530d903aU);
  EXPECT_EQ(key->type, kEd25519Note);
  EXPECT_EQ(key->ToString(), kSpecKey);
}

TEST(VerifierKeyTest, TheSpecificationsNoteVerifies) {
  const VerifierKey key = VerifierKey::Parse(kSpecKey).value();
  const Result<Note> note = ParseNote(kSpecNote);
  ASSERT_TRUE(note.has_value()) << note.error().message;
  EXPECT_EQ(note->text, "This is an example message.\n");
  ASSERT_EQ(note->signatures.size(), 1U);
  EXPECT_EQ(note->signatures[0].key_id, key.id());
  EXPECT_TRUE(crypto::Verify(crypto::SignatureAlgorithm::kEd25519, key.public_key,
                             AsBytes(note->text), note->signatures[0].signature)
                  .has_value());
  EXPECT_EQ(FormatNote(*note), kSpecNote);
}

TEST(VerifierKeyTest, OtherFormsAreRefused) {
  for (const std::string_view text :
       {"", "example.com/foo", "example.com/foo+530d903a", "+530d903a+AekyeRrm56hApGFk",
        // another id; an id in capitals; another type; a byte less
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0=",
        "exa mple.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"}) {
    EXPECT_FALSE(VerifierKey::Parse(text).has_value()) << text;
  }
}

TEST(VerifierKeyTest, OnesOfOursAreReadBackFromAFileWithComments) {
  std::string file = "# log keys\n\n";
  for (const VerifierKey& key : TestVerifiers()) {
    file += key.ToString() + "\n";
  }
  const Result<std::vector<VerifierKey>> keys = ParseVerifierKeys(file);
  ASSERT_TRUE(keys.has_value()) << keys.error().message;
  ASSERT_EQ(keys->size(), 2U);
  EXPECT_EQ((*keys)[0].type, kEd25519Note);
  EXPECT_EQ((*keys)[1].type, kMlDsa44Cosignature);
  EXPECT_EQ((*keys)[1].public_key.size(), 1312U);
  EXPECT_THAT(ParseVerifierKeys(file + "x\n").error().message, HasSubstr("line 5"));
  EXPECT_FALSE(ParseVerifierKeys("# none\n").has_value());
}

TEST(NoteTest, WhatIsNoNoteIsRefused) {
  const std::string line = std::string(kSpecNote.substr(kSpecNote.find("\u2014")));
  for (const std::string& text : std::initializer_list<std::string>{
           std::string(), std::string("text\n"), std::string("text\n\n"), "\n" + line,
           "text" + line, "text\n\n" + line.substr(0, line.size() - 1),
           "text\n\n- example.com/foo AAAAAAA=\n", "te\txt\n\n" + line, "te\xff\n\n" + line,
           "te\xc0\x80\n\n" + line, std::string("text\n\n\u2014 example.com/foo\n"),
           std::string("text\n\n\u2014 example.com/foo AAAA\n"),
           std::string("text\n\n\u2014 example.com+foo AAAAAAA=\n"),
           std::string("text\n\n\u2014 example\u00a0foo AAAAAAA=\n"), "text\n\n" + line + "\n"}) {
    const Result<Note> note = ParseNote(text);
    EXPECT_FALSE(note.has_value()) << text;
  }
  EXPECT_FALSE(ParseNote(std::string(kMaxNoteBytes, 'a') + "\n\n" + line).has_value());
}

TEST(NoteTest, SixteenSignaturesAreReadAndThirtyThreeAreNot) {
  const std::string line = std::string(kSpecNote.substr(kSpecNote.find("\u2014")));
  std::string note = "text with\n\nan empty line\n\n";
  for (int i = 0; i < 16; ++i) {
    note += line;
  }
  const Result<Note> read = ParseNote(note);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->text, "text with\n\nan empty line\n");
  EXPECT_EQ(read->signatures.size(), 16U);
  for (int i = 16; i < 33; ++i) {
    note += line;
  }
  EXPECT_FALSE(ParseNote(note).has_value());
}

Checkpoint TestCheckpoint() {
  return {.origin = std::string(kTestOrigin), .size = 20852163, .root = LeafHash({})};
}

TEST(CheckpointTest, BothSignaturesVerify) {
  const std::string note = SignCheckpoint(TestCheckpoint(), TestKeys(), 1767225600).value();
  const Result<Checkpoint> opened = OpenCheckpoint(note, TestVerifiers());
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(*opened, TestCheckpoint());
}

TEST(CheckpointTest, AMissingSignatureIsNamed) {
  std::vector<crypto::SigningKey> keys = TestKeys();
  const std::span<const crypto::SigningKey> only_first = std::span(keys).first(1);
  const std::string note = SignCheckpoint(TestCheckpoint(), only_first, 0).value();
  const Result<Checkpoint> opened = OpenCheckpoint(note, TestVerifiers());
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kIntegrityFailure);
  EXPECT_THAT(opened.error().message, HasSubstr("ML-DSA-44"));
}

TEST(CheckpointTest, SignaturesByOthersAreLeftOutOfAccount) {
  std::string note = SignCheckpoint(TestCheckpoint(), TestKeys(), 1).value();
  note += std::string(kSpecNote.substr(kSpecNote.find("\u2014")));
  EXPECT_TRUE(OpenCheckpoint(note, TestVerifiers()).has_value());
}

TEST(CheckpointTest, AnotherOriginIsRefused) {
  const std::string note = SignCheckpoint(TestCheckpoint(), TestKeys(), 1).value();
  EXPECT_FALSE(OpenCheckpoint(note, TestVerifiers("casemate.local/other")).has_value());
  EXPECT_FALSE(OpenCheckpoint(note, {}).has_value());
}

TEST(CheckpointTest, FormsThatNoLogWritesAreRefused) {
  const std::string root = ToBase64(LeafHash({}));
  EXPECT_TRUE(ParseCheckpoint("a\n0\n" + root + "\n").has_value());
  for (const std::string& text : std::initializer_list<std::string>{
           std::string(), std::string("a\n"), "a\n0\n" + root, "\n0\n" + root + "\n",
           "a\n00\n" + root + "\n", "a\n-1\n" + root + "\n", "a\n+1\n" + root + "\n",
           "a\n9223372036854775808\n" + root + "\n", "a\n0\nAAAA\n",
           "a\n0\n" + root + "\nextension\n"}) {
    EXPECT_FALSE(ParseCheckpoint(text).has_value()) << text;
  }
}

// A proof by hand over a tree of two.
std::string TestProof() {
  const Bytes entry = EncodeLeaf(TestLeaf(0));
  const Digest other = LeafHash(AsBytes("other"));
  const Checkpoint checkpoint{
      .origin = std::string(kTestOrigin), .size = 2, .root = NodeHash(other, LeafHash(entry))};
  return FormatProof({.extra = entry,
                      .index = 1,
                      .path = {other},
                      .checkpoint = SignCheckpoint(checkpoint, TestKeys(), 5).value()});
}

TEST(ProofTest, IsReadBackAndVerifies) {
  const std::string text = TestProof();
  EXPECT_EQ(FormatProof(ParseProof(text).value()), text);
  const Result<Proven> proven = VerifyProof(text, TestVerifiers());
  ASSERT_TRUE(proven.has_value()) << proven.error().message;
  EXPECT_EQ(proven->index, 1U);
  EXPECT_EQ(proven->entry, EncodeLeaf(TestLeaf(0)));
}

TEST(ProofTest, NoByteCanBeChanged) {
  const std::string text = TestProof();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(VerifyProof(changed, TestVerifiers()).has_value()) << i;
  }
}

TEST(ProofTest, WhatIsNoProofIsRefused) {
  const std::string text = TestProof();
  const std::size_t index = text.find("index ");
  const std::size_t extra = text.find("extra ");
  for (const std::string& wrong : std::initializer_list<std::string>{
           std::string(), text.substr(1), text.substr(0, text.find("\n\n") + 2),
           text.substr(0, index) + text.substr(text.find('\n', index) + 1),
           text.substr(0, index) + "index 01" + text.substr(text.find('\n', index)),
           text.substr(0, extra) + "extra \n" + text.substr(index),
           text + std::string(kMaxProofBytes, '\n')}) {
    EXPECT_FALSE(ParseProof(wrong).has_value());
  }
  const std::string without_entry = text.substr(0, extra) + text.substr(index);
  EXPECT_TRUE(ParseProof(without_entry).has_value());
  EXPECT_FALSE(VerifyProof(without_entry, TestVerifiers()).has_value());
}

}  // namespace
}  // namespace casemate::audit
