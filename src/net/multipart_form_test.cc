#include "net/multipart_form.h"

#include <gtest/gtest.h>

#include <string>

namespace casemate::net {
namespace {

TEST(MultipartFormTest, WritesFieldsAndFilesAsRfc7578HasThem) {
  MultipartForm form;
  form.AddField("purpose", PlaintextView::Of("assistants"));
  form.AddFile("file", "a.txt", "text/plain", PlaintextView::Of("hello"));
  const std::string type = form.content_type();
  const std::string_view prefix = "multipart/form-data; boundary=";
  ASSERT_TRUE(type.starts_with(prefix));
  const std::string boundary = type.substr(prefix.size());
  const Plaintext body = form.Finish();
  EXPECT_EQ(body.view().Reveal(),
            "--" + boundary +
                "\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n--" +
                boundary +
                "\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n"
                "content-type: text/plain\r\n\r\nhello\r\n--" +
                boundary + "--\r\n");
}

TEST(MultipartFormTest, AFileNameCannotBreakOutOfItsQuotes) {
  MultipartForm form;
  form.AddFile("file", "a\"\r\nx: y", "text/plain", PlaintextView::Of(""));
  const Plaintext body = form.Finish();
  EXPECT_NE(body.view().Reveal().find("filename=\"a%22%0D%0Ax: y\""), std::string_view::npos);
}

TEST(MultipartFormTest, TwoFormsHaveDifferentBoundaries) {
  EXPECT_NE(MultipartForm().content_type(), MultipartForm().content_type());
}

}  // namespace
}  // namespace casemate::net
