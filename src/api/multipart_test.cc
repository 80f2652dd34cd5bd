#include "api/multipart.h"

#include <gtest/gtest.h>

namespace casemate::api {
namespace {

constexpr std::string_view kType = "multipart/form-data; boundary=XyZ";

Result<std::vector<FormPart>> Parse(std::string_view body, std::string_view type = kType) {
  return ParseMultipart(type, PlaintextView::Of(body));
}

// As httpx, which python3-openai uses, writes it.
constexpr std::string_view kForm =
    "--XyZ\r\n"
    "Content-Disposition: form-data; name=\"purpose\"\r\n\r\n"
    "assistants\r\n"
    "--XyZ\r\n"
    "Content-Disposition: form-data; name=\"file\"; filename=\"a %22b%22.md\"\r\n"
    "Content-Type: text/markdown\r\n\r\n"
    "line\r\n--XyNot\r\n\r\n"
    "--XyZ--\r\n";

TEST(MultipartTest, FieldsAndFilesAreFound) {
  const auto parts = Parse(kForm);
  ASSERT_TRUE(parts.has_value()) << parts.error().message;
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].name, "purpose");
  EXPECT_FALSE((*parts)[0].filename.has_value());
  EXPECT_EQ((*parts)[0].content.Reveal(), "assistants");
  EXPECT_EQ((*parts)[1].filename->view().Reveal(), "a \"b\".md");
  EXPECT_EQ((*parts)[1].content.Reveal(), "line\r\n--XyNot\r\n");
}

TEST(MultipartTest, EmptyContentAndPreambleAreAllowed) {
  const auto parts =
      Parse("preamble\r\n--XyZ  \r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n--XyZ--");
  ASSERT_TRUE(parts.has_value()) << parts.error().message;
  ASSERT_EQ(parts->size(), 1U);
  EXPECT_TRUE((*parts)[0].content.empty());
}

TEST(MultipartTest, BackslashEscapesAsCurlWritesThem) {
  const auto parts = Parse(
      "--XyZ\r\nContent-Disposition: form-data; filename=\"a\\\"b\\\\c\"; "
      "name=\"file\"\r\n\r\nx\r\n"
      "--XyZ--");
  ASSERT_TRUE(parts.has_value()) << parts.error().message;
  EXPECT_EQ((*parts)[0].filename->view().Reveal(), "a\"b\\c");
}

TEST(MultipartTest, EveryCutIsRefused) {
  const std::string_view form = kForm.substr(0, kForm.size() - 2);  // the last CRLF is optional
  for (std::size_t size = 0; size < form.size(); ++size) {
    EXPECT_FALSE(Parse(form.substr(0, size)).has_value()) << size;
  }
}

TEST(MultipartTest, OtherTypesAndBoundariesAreRefused) {
  for (std::string_view type :
       {"application/json", "multipart/mixed; boundary=XyZ", "multipart/form-data",
        "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a\nb\"",
        "multipart/form-data; boundary=\"ends with space \"",
        "multipart/form-data; "
        "boundary=01234567890123456789012345678901234567890123456789012345678901234567890"}) {
    const auto parts = Parse(kForm, type);
    ASSERT_FALSE(parts.has_value()) << type;
    EXPECT_EQ(parts.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(Parse(kForm, "Multipart/Form-Data; charset=utf-8; Boundary=\"XyZ\"").has_value());
}

TEST(MultipartTest, PartsWithoutANameAreRefused) {
  for (std::string_view headers :
       {"", "Content-Type: text/plain\r\n", "Content-Disposition: form-data\r\n",
        "Content-Disposition: form-data; name=\"\"\r\n",
        "Content-Disposition: attachment; name=\"a\"\r\n",
        "Content-Disposition: form-data; name=\"a\x01\"\r\n", "no colon\r\n",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; "
        "name=b\r\n"}) {
    EXPECT_FALSE(Parse("--XyZ\r\n" + std::string(headers) + "\r\nx\r\n--XyZ--").has_value())
        << headers;
  }
}

TEST(MultipartTest, LimitsAreKept) {
  std::string many;
  for (std::size_t i = 0; i <= kMaxFormParts; ++i) {
    many += "--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n";
  }
  EXPECT_EQ(Parse(many + "--XyZ--").error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(
      Parse("--XyZ\r\nA: " + std::string(kMaxPartHeaderBytes + 10, 'x') + "\r\n\r\n").error().code,
      ErrorCode::kTooLarge);
  EXPECT_EQ(Parse("--XyZ\r\nContent-Disposition: form-data; name=\"f\"; filename=\"" +
                  std::string(kMaxFilenameBytes + 1, 'x') + "\"\r\n\r\nx\r\n--XyZ--")
                .error()
                .code,
            ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace casemate::api
