#include "flows/pcap_source.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace casemate::flows {
namespace {

namespace fs = std::filesystem;

// The file format of draft-ietf-opsawg-pcap: little-endian, microseconds.
std::string Head(std::uint32_t link = 1, std::uint32_t magic = 0xA1B2C3D4) {
  Bytes out;
  const auto put = [&](std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      out.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
  };
  put(magic, 4);
  put(2, 2);
  put(4, 2);
  put(0, 8);
  put(65535, 4);
  put(link, 4);
  return std::string(AsText(out));
}

std::string Record(std::uint32_t captured, std::uint32_t wire, const std::string& body) {
  std::string out;
  for (const std::uint32_t value : {1'700'000'000U, 250'000U, captured, wire}) {
    for (int i = 0; i < 4; ++i) {
      out += static_cast<char>(value >> (8 * i));
    }
  }
  return out + body;
}

class PcapSourceTest : public ::testing::Test {
 protected:
  PcapSourceTest() {
    std::string pattern = testing::TempDir() + "casemate-pcap-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~PcapSourceTest() override { fs::remove_all(folder_); }

  Result<void> Read(const std::string& content, const std::string& filter = {}) {
    const std::string path = folder_ / "file.pcap";
    std::ofstream(path, std::ios::binary) << content;
    Result<PcapSource> source = PcapSource::OpenFile(path);
    if (!source) {
      return std::unexpected(source.error());
    }
    return source->Read({.begin = [&](LinkType link) { link_ = link; },
                         .frame =
                             [&](const CapturedFrame& frame) {
                               frames_.emplace_back(AsText(frame.bytes));
                               wire_ = frame.wire_length;
                               time_ms_ = frame.time_ms;
                               return frames_.size() < most_;
                             }},
                        filter);
  }

  fs::path folder_;
  std::optional<LinkType> link_;
  std::vector<std::string> frames_;
  std::uint32_t wire_ = 0;
  std::int64_t time_ms_ = 0;
  std::size_t most_ = 1000;
};

TEST_F(PcapSourceTest, FramesComeWithTheirLengthOnTheWireAndTheirTime) {
  ASSERT_TRUE(Read(Head() + Record(4, 1500, "abcd") + Record(2, 2, "ef")).has_value());
  EXPECT_EQ(link_, LinkType::kEthernet);
  EXPECT_EQ(frames_, (std::vector<std::string>{"abcd", "ef"}));
  EXPECT_EQ(time_ms_, 1'700'000'000'250);
}

TEST_F(PcapSourceTest, TheSinkEndsTheReading) {
  most_ = 1;
  ASSERT_TRUE(Read(Head() + Record(1, 9, "a") + Record(1, 9, "b")).has_value());
  EXPECT_EQ(frames_.size(), 1U);
  EXPECT_EQ(wire_, 9U);
}

TEST_F(PcapSourceTest, ATruncatedFileIsAnErrorAfterItsWholeFrames) {
  const Result<void> read = Read(Head() + Record(1, 1, "a") + Record(100, 100, "short"));
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(read.error().message.find("truncated"), std::string::npos) << read.error().message;
  EXPECT_EQ(frames_.size(), 1U);
}

TEST_F(PcapSourceTest, WhatIsNoCaptureIsSaid) {
  for (const std::string& content :
       {std::string(), std::string("GET / HTTP/1.1\r\n\r\nxxxxxxxxxxx"), Head().substr(0, 10),
        Head(1, 0xDEADBEEF)}) {
    const Result<void> read = Read(content);
    ASSERT_FALSE(read.has_value());
    EXPECT_NE(read.error().message.find("not a capture"), std::string::npos)
        << read.error().message;
  }
}

TEST_F(PcapSourceTest, AHostileLengthIsRefused) {
  EXPECT_FALSE(Read(Head() + Record(0xFFFFFFF0U, 0xFFFFFFF0U, "x")).has_value());
}

TEST_F(PcapSourceTest, OtherLinksAndWrongFiltersAreNamed) {
  const Result<void> wireless = Read(Head(105) + Record(1, 1, "a"));
  ASSERT_FALSE(wireless.has_value());
  EXPECT_NE(wireless.error().message.find("IEEE802_11"), std::string::npos)
      << wireless.error().message;
  const Result<void> filter = Read(Head() + Record(1, 1, "a"), "tcp prot 443");
  ASSERT_FALSE(filter.has_value());
  EXPECT_TRUE(filter.error().message.starts_with("--filter: ")) << filter.error().message;
}

TEST_F(PcapSourceTest, AFileThatIsNotThereIsNotFound) {
  const Result<PcapSource> source = PcapSource::OpenFile(folder_ / "none");
  ASSERT_FALSE(source.has_value());
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
}

TEST_F(PcapSourceTest, AnInterfaceThatIsNotThereIsAnError) {
  EXPECT_FALSE(PcapSource::OpenInterface("nosuch0", "").has_value());
}

}  // namespace
}  // namespace casemate::flows
