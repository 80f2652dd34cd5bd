#include "custody/server/pin_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "ipc/channel.h"

namespace casemate::custody {
namespace {

constexpr crypto::Argon2Parameters kCheap{.memory_kib = 64, .passes = 1, .lanes = 1};

TEST(PinFileTest, APinIs64HexadecimalDigitsAndNeverTheSame) {
  const Result<SecretBuffer> one = MakePin();
  const Result<SecretBuffer> two = MakePin();
  ASSERT_TRUE(one.has_value() && two.has_value());
  EXPECT_EQ(FromHex(AsText(one->RevealBytes()))->size(), 32U);
  EXPECT_FALSE(one->EqualsConstantTime(two->RevealBytes()));
}

TEST(PinFileTest, ThePassphraseOpensWhatItSealed) {
  const Result<SecretBuffer> pin = MakePin();
  const Result<Bytes> sealed = SealPin(*pin, AsBytes("correct horse"), kCheap);
  ASSERT_TRUE(sealed.has_value());
  EXPECT_EQ(AsText(ByteView(*sealed).first(16)), "casemate/pin@v1\n");
  const Result<SecretBuffer> opened = OpenPin(*sealed, AsBytes("correct horse"));
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_TRUE(opened->EqualsConstantTime(pin->RevealBytes()));
}

TEST(PinFileTest, AWrongPassphraseIsSaidSo) {
  const Result<Bytes> sealed = SealPin(*MakePin(), AsBytes("correct horse"), kCheap);
  const Result<SecretBuffer> opened = OpenPin(*sealed, AsBytes("battery staple"));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kUnauthenticated);
  EXPECT_NE(opened.error().message.find("passphrase"), std::string::npos);
}

TEST(PinFileTest, EveryChangedByteIsFound) {
  const Result<Bytes> sealed = SealPin(*MakePin(), AsBytes("p"), kCheap);
  for (std::size_t at = 0; at < sealed->size(); ++at) {
    if (at >= 16 && at < 28) {
      continue;  // the parameters: the next test, which must not ask for gigabytes
    }
    Bytes changed = *sealed;
    changed[at] ^= std::byte{1};
    EXPECT_FALSE(OpenPin(changed, AsBytes("p")).has_value()) << "byte " << at;
  }
}

TEST(PinFileTest, ParametersOutOfRangeAreRefusedBeforeTheyCostAnything) {
  Result<Bytes> sealed = SealPin(*MakePin(), AsBytes("p"), kCheap);
  for (std::size_t at : {std::size_t{16}, std::size_t{20}, std::size_t{24}}) {
    Bytes changed = *sealed;
    std::fill_n(changed.begin() + static_cast<std::ptrdiff_t>(at), 4, std::byte{0xff});
    EXPECT_FALSE(OpenPin(changed, AsBytes("p")).has_value());
  }
}

TEST(PinFileTest, CutAndLengthenedFilesAreRefused) {
  Result<Bytes> sealed = SealPin(*MakePin(), AsBytes("p"), kCheap);
  EXPECT_FALSE(OpenPin(ByteView(*sealed).first(sealed->size() - 1), AsBytes("p")).has_value());
  EXPECT_FALSE(OpenPin({}, AsBytes("p")).has_value());
  sealed->push_back(std::byte{0});
  EXPECT_FALSE(OpenPin(*sealed, AsBytes("p")).has_value());
}

Result<SecretBuffer> ReadFrom(std::string_view text) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  Result<SecretBuffer> secret = ReadSecretLine(ends[0]);
  ::close(ends[0]);
  return secret;
}

TEST(PinFileTest, ReadSecretLineStopsAtTheNewline) {
  const Result<SecretBuffer> secret = ReadFrom("correct horse\nrest");
  ASSERT_TRUE(secret.has_value());
  EXPECT_EQ(AsText(secret->RevealBytes()), "correct horse");
  EXPECT_EQ(AsText(ReadFrom("no newline")->RevealBytes()), "no newline");
}

TEST(PinFileTest, ReadSecretLineRefusesNothingAndTooMuch) {
  for (const std::string& text : {std::string(), std::string("\n"), std::string(1025, 'a')}) {
    const Result<SecretBuffer> secret = ReadFrom(text);
    ASSERT_FALSE(secret.has_value());
    EXPECT_EQ(secret.error().code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace casemate::custody
