#include "ipc/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "ipc/bulk.h"

namespace casemate::ipc {
namespace {

constexpr int kWaitMs = 5000;

std::size_t OpenDescriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

// A keeper's end, and the bare socket on the other side, which a hostile room may write anything
// to.
class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    std::pair<UniqueFd, UniqueFd> ends = Channel::MakePair().value();
    keeper_.emplace(std::move(ends.first), ProcessKind::kKeeper, ProcessKind::kRoom);
    raw_ = std::move(ends.second);
  }

  Channel Room() { return Channel(std::move(raw_), ProcessKind::kRoom, ProcessKind::kKeeper); }

  static Bytes Header(std::uint8_t version, std::uint8_t flags, std::uint16_t type,
                      std::uint32_t length) {
    Bytes header = {static_cast<std::byte>(version), static_cast<std::byte>(flags)};
    PutU16(header, type);
    PutU32(header, length);
    PutU64(header, 1);
    return header;
  }

  void SendRaw(ByteView bytes, const std::vector<int>& fds = {}) {
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 16)> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
      cmsghdr* rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
      std::memcpy(CMSG_DATA(rights), fds.data(), sizeof(int) * fds.size());
    }
    ASSERT_EQ(::sendmsg(raw_.get(), &message, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  void ExpectRefused(const char* why) {
    Result<Frame> got = keeper_->Receive(kWaitMs);
    ASSERT_FALSE(got.has_value()) << why;
    EXPECT_EQ(got.error().code, ErrorCode::kIntegrityFailure) << got.error().message;
  }

  static constexpr auto kReply = static_cast<std::uint16_t>(MessageType::kEmbedReply);
  std::optional<Channel> keeper_;
  UniqueFd raw_;
};

Frame MakeFrame(MessageType type, std::string_view content) {
  return Frame{.type = type, .request = 1, .payload = Plaintext::Copy(content), .fds = {}};
}

TEST_F(ChannelTest, AFrameArrivesAsItWasSent) {
  Channel room = Room();
  Frame sent = MakeFrame(MessageType::kEmbedReply, "content");
  sent.request = 0x0102030405060708;
  sent.last = true;
  ASSERT_TRUE(room.Send(sent, kWaitMs).has_value());
  Result<Frame> got = keeper_->Receive(kWaitMs);
  ASSERT_TRUE(got.has_value()) << got.error().message;
  EXPECT_EQ(got->type, MessageType::kEmbedReply);
  EXPECT_EQ(got->request, 0x0102030405060708U);
  EXPECT_TRUE(got->last);
  EXPECT_EQ(got->payload.view().Reveal(), "content");
}

// docs/formats/ipc.md.
TEST_F(ChannelTest, TheHeaderIsThatOfTheDocument) {
  ASSERT_TRUE(keeper_->Send(MakeFrame(MessageType::kEmbed, "ab"), kWaitMs).has_value());
  std::array<std::byte, 64> bytes{};
  const ssize_t size = ::recv(raw_.get(), bytes.data(), bytes.size(), 0);
  ASSERT_EQ(size, 18);
  EXPECT_EQ(ToHex(ByteView(bytes).first(18)),
            "01000074"
            "00000002"
            "0000000000000001"
            "6162");
}

TEST_F(ChannelTest, PayloadsAroundTheInlineLimitArrive) {
  Channel room = Room();
  for (std::size_t size :
       {std::size_t{0}, kMaxInline - 1, kMaxInline, kMaxInline + 1, std::size_t{3'000'001}}) {
    std::string content(size, 'x');
    if (size > 0) {
      content.back() = 'y';
    }
    ASSERT_TRUE(room.Send(MakeFrame(MessageType::kEmbedReply, content), kWaitMs).has_value());
    Result<Frame> got = keeper_->Receive(kWaitMs);
    ASSERT_TRUE(got.has_value()) << got.error().message;
    EXPECT_TRUE(got->payload.view().Reveal() == content) << size;
    EXPECT_TRUE(got->fds.empty());
  }
}

TEST_F(ChannelTest, DescriptorsTravelAlsoBesideALargePayload) {
  Channel room = Room();
  for (std::size_t size : {std::size_t{1}, kMaxInline + 1}) {
    Frame frame = MakeFrame(MessageType::kEmbedReply, std::string(size, 'x'));
    for (std::size_t i = 0; i < kMaxFds; ++i) {
      frame.fds.emplace_back(::memfd_create("t", MFD_CLOEXEC));
    }
    ASSERT_EQ(::pwrite(frame.fds[2].get(), "mark", 4, 0), 4);
    ASSERT_TRUE(room.Send(frame, kWaitMs).has_value());
    Result<Frame> got = keeper_->Receive(kWaitMs);
    ASSERT_TRUE(got.has_value()) << got.error().message;
    ASSERT_EQ(got->fds.size(), kMaxFds);
    std::array<char, 4> mark{};
    EXPECT_EQ(::pread(got->fds[2].get(), mark.data(), 4, 0), 4);
    EXPECT_EQ(std::string_view(mark.data(), 4), "mark");
    EXPECT_NE(::fcntl(got->fds[2].get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(ChannelTest, ALargePayloadIsWipedInItsDescriptorOnceRead) {
  Frame frame = MakeFrame(MessageType::kEmbedReply, std::string(kMaxInline + 1, 's'));
  UniqueFd memfd = MakeBulk(frame.payload).value();
  SendRaw(Header(1, 1, kReply, kMaxInline + 1), {memfd.get()});
  ASSERT_TRUE(keeper_->Receive(kWaitMs).has_value());
  std::string left(kMaxInline + 1, '?');
  ASSERT_EQ(::pread(memfd.get(), left.data(), left.size(), 0), static_cast<ssize_t>(left.size()));
  EXPECT_TRUE(left == std::string(kMaxInline + 1, '\0'));
}

TEST_F(ChannelTest, TypesThatTheRowDoesNotHoldAreNotSent) {
  Result<void> sent = keeper_->Send(MakeFrame(MessageType::kOpenReply, ""), kWaitMs);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(Channel::Pack(MakeFrame(MessageType::kOpenReply, ""), ProcessKind::kKeeper,
                          ProcessKind::kRoom)
                .error()
                .code,
            ErrorCode::kPermissionDenied);
}

TEST_F(ChannelTest, TooManyDescriptorsAreNotSent) {
  Frame frame = MakeFrame(MessageType::kEmbed, "");
  for (std::size_t i = 0; i < kMaxFds + 1; ++i) {
    frame.fds.emplace_back(::memfd_create("t", MFD_CLOEXEC));
  }
  EXPECT_EQ(keeper_->Send(frame, kWaitMs).error().code, ErrorCode::kTooLarge);
}

TEST_F(ChannelTest, AnotherVersionIsRefused) {
  SendRaw(Header(2, 0, kReply, 0));
  ExpectRefused("version 2");
}

TEST_F(ChannelTest, UnknownFlagsAreRefused) {
  SendRaw(Header(1, 4, kReply, 0));
  ExpectRefused("flag 4");
}

TEST_F(ChannelTest, ATypeOfAnotherRowIsRefused) {
  SendRaw(Header(1, 0, static_cast<std::uint16_t>(MessageType::kEmbed), 0));
  ExpectRefused("a room that asks");
}

TEST_F(ChannelTest, AnUnknownTypeIsRefused) {
  SendRaw(Header(1, 0, 999, 0));
  ExpectRefused("type 999");
}

TEST_F(ChannelTest, AShortHeaderIsRefused) {
  const Bytes header = Header(1, 0, kReply, 0);
  SendRaw(ByteView(header).first(15));
  ExpectRefused("15 bytes");
}

TEST_F(ChannelTest, ALengthThatIsNotTheSizeIsRefused) {
  Bytes frame = Header(1, 0, kReply, 5);
  Put(frame, AsBytes("four"));
  SendRaw(frame);
  ExpectRefused("length 5 with 4");
}

TEST_F(ChannelTest, AnOversizePacketIsRefused) {
  Bytes frame = Header(1, 0, kReply, kMaxInline + 1);
  frame.resize(kHeaderSize + kMaxInline + 1);
  SendRaw(frame);
  ExpectRefused("inline over the limit");
}

TEST_F(ChannelTest, ExtraDescriptorsAreRefusedAndClosed) {
  const UniqueFd memfd(::memfd_create("t", MFD_CLOEXEC));
  // 5 and 6 fit the control buffer, 16 do not.
  for (std::size_t count : {5U, 6U, 16U}) {
    const std::size_t before = OpenDescriptors();
    SendRaw(Header(1, 0, kReply, 0), std::vector<int>(count, memfd.get()));
    ExpectRefused("too many descriptors");
    EXPECT_EQ(OpenDescriptors(), before) << count;
  }
}

TEST_F(ChannelTest, ADescriptorFlagWithoutOneIsRefused) {
  SendRaw(Header(1, 1, kReply, kMaxInline + 1));
  ExpectRefused("no descriptor");
}

TEST_F(ChannelTest, ASmallPayloadByDescriptorIsRefused) {
  UniqueFd memfd = MakeBulk(PlaintextView::Of("abc")).value();
  SendRaw(Header(1, 1, kReply, 3), {memfd.get()});
  ExpectRefused("one form only");
}

TEST_F(ChannelTest, AnUnsealedMemfdIsRefused) {
  const UniqueFd memfd(::memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(memfd.get(), kMaxInline + 1), 0);
  SendRaw(Header(1, 1, kReply, kMaxInline + 1), {memfd.get()});
  ExpectRefused("unsealed");
}

TEST_F(ChannelTest, AHalfSealedMemfdIsRefused) {
  const UniqueFd memfd(::memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(memfd.get(), kMaxInline + 1), 0);
  ASSERT_EQ(::fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_GROW), 0);
  SendRaw(Header(1, 1, kReply, kMaxInline + 1), {memfd.get()});
  ExpectRefused("it could shrink");
}

TEST_F(ChannelTest, AMemfdOfAnotherSizeIsRefused) {
  UniqueFd memfd = MakeBulk(PlaintextView::Of(std::string(kMaxInline + 2, 'x'))).value();
  SendRaw(Header(1, 1, kReply, kMaxInline + 1), {memfd.get()});
  ExpectRefused("size");
}

TEST_F(ChannelTest, APipeInPlaceOfAMemfdIsRefused) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reading(ends[0]);
  const UniqueFd writing(ends[1]);
  SendRaw(Header(1, 1, kReply, kMaxInline + 1), {reading.get()});
  ExpectRefused("a pipe");
}

TEST_F(ChannelTest, AFullSocketSaysSoAndRecovers) {
  Channel room = Room();
  const Frame frame = MakeFrame(MessageType::kEmbedReply, std::string(kMaxInline, 'x'));
  int sent = 0;
  for (;; ++sent) {
    ASSERT_LT(sent, 1000);
    Result<bool> one = room.TrySend(frame);
    ASSERT_TRUE(one.has_value()) << one.error().message;
    if (!*one) {
      break;
    }
  }
  EXPECT_GT(sent, 0);
  EXPECT_EQ(room.Send(frame, 1).error().code, ErrorCode::kDeadlineExceeded);
  for (int i = 0; i < sent; ++i) {
    ASSERT_TRUE(keeper_->Receive(kWaitMs).has_value());
  }
  EXPECT_TRUE(room.TrySend(frame).value());
}

TEST_F(ChannelTest, WhatAPeerSaidBeforeItEndedIsStillReceived) {
  {
    Channel room = Room();
    // Unread data on its side makes its end a reset on ours.
    ASSERT_TRUE(keeper_->Send(MakeFrame(MessageType::kEmbed, "unread"), kWaitMs).has_value());
    ASSERT_TRUE(room.Send(MakeFrame(MessageType::kEmbedReply, "last"), kWaitMs).has_value());
  }
  Result<Frame> got = keeper_->Receive(kWaitMs);
  ASSERT_TRUE(got.has_value()) << got.error().message;
  EXPECT_EQ(got->payload.view().Reveal(), "last");
  EXPECT_EQ(keeper_->Receive(kWaitMs).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(keeper_->TrySend(MakeFrame(MessageType::kEmbed, "")).error().code,
            ErrorCode::kUnavailable);
}

TEST_F(ChannelTest, NothingThereIsNoError) {
  Result<std::optional<Frame>> got = keeper_->TryReceive();
  ASSERT_TRUE(got.has_value());
  EXPECT_FALSE(got->has_value());
  EXPECT_EQ(keeper_->Receive(1).error().code, ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace casemate::ipc
