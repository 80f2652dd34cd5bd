#include "retrieval/parsing/mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retrieval/parsing/parsing_read.h"

namespace casemate::retrieval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Part(const std::string& header, const std::string& body) {
  return "--B\r\n" + header + "\r\n\r\n" + body + "\r\n";
}
std::string Multipart(const std::string& kind, const std::string& parts) {
  return "From: Ada <ada@example.org>\r\nTo: bob@example.org\r\nDate: Sun, 22 Nov 2026 10:00:00 "
         "+0000\r\nSubject: =?utf-8?Q?T=C3=BCren?=\r\nMIME-Version: 1.0\r\nContent-Type: "
         "multipart/" +
         kind + "; boundary=B\r\n\r\n" + parts + "--B--\r\n";
}
const std::string kLines =
    "t:From: Ada <ada@example.org>\nTo: bob@example.org\nDate: Sun, 22 Nov 2026 10:00:00 "
    "+0000\nSubject: T\u00FCren";

TEST(MailTest, HeadersLeadTheText) {
  const Parsed parsed = Read("email",
                             "Received: by x\nFrom: ada@example.org\nSubject: Keys\n"
                             "Date: today\n\nThe key is\nunder the mat.\n\nAda\n");
  EXPECT_EQ(parsed.title, "Keys");
  EXPECT_THAT(parsed.blocks,
              ElementsAre("h1:Keys", "t:From: ada@example.org\nDate: today\nSubject: Keys",
                          "p:The key is under the mat.", "p:Ada"));
}

TEST(MailTest, OfAlternativesThePlainTextIsRead) {
  EXPECT_THAT(
      Read("email", Multipart("alternative", Part("Content-Type: text/plain; charset=iso-8859-1\r\n"
                                                  "Content-Transfer-Encoding: quoted-printable",
                                                  "Gr=FC=DFe") +
                                                 Part("Content-Type: text/html", "<p>Hello</p>")))
          .blocks,
      ElementsAre("h1:T\u00FCren", kLines, "p:Gr\u00FC\u00DFe"));
}

TEST(MailTest, OfAlternativesTheHtmlIsReadWhereTheTextIsEmpty) {
  EXPECT_THAT(
      Read("email", Multipart("alternative", Part("Content-Type: text/plain", " ") +
                                                 Part("Content-Type: text/html; charset=utf-8",
                                                      "<h1>Offer</h1><p>A door.</p>")))
          .blocks,
      ElementsAre("h1:T\u00FCren", kLines, "h2:Offer", "p:A door."));
}

TEST(MailTest, AttachmentsStandUnderTheirName) {
  // "# Locks\n\nThey turn.\n" in base64 (RFC 4648, by Python's base64).
  EXPECT_THAT(
      Read("email", Multipart("mixed", Part("Content-Type: text/plain", "See below.") +
                                           Part("Content-Type: application/octet-stream\r\n"
                                                "Content-Transfer-Encoding: base64\r\n"
                                                "Content-Disposition: attachment; filename=a.md",
                                                "IyBMb2NrcwoKVGhleSB0dXJuLgo=") +
                                           Part("Content-Type: image/png; name=p.png", "\x89PNG")))
          .blocks,
      ElementsAre("h1:T\u00FCren", kLines, "p:See below.", "h2:Attachment: a.md", "h3:Locks",
                  "p:They turn."));
}

TEST(MailTest, AttachmentsThatCannotBeReadAreNamedWithTheReason) {
  const Parsed parsed =
      Read("email", Multipart("mixed", Part("Content-Disposition: attachment; filename=a.bin",
                                            "ab\x01\x02\x03")));
  ASSERT_EQ(parsed.blocks.size(), 3U);
  EXPECT_THAT(parsed.blocks[2], HasSubstr("Attachment: a.bin was not read: binary file"));
}

TEST(MailTest, AttachedMessagesAreRead) {
  EXPECT_THAT(Read("email", Multipart("mixed", Part("Content-Type: message/rfc822",
                                                    "Subject: Old\r\n\r\nOld text.")))
                  .blocks,
              ElementsAre("h1:T\u00FCren", kLines, "h2:Attached message", "h3:Old",
                          "t:Subject: Old", "p:Old text."));
}

TEST(MailTest, EncryptedMessagesSaySo) {
  for (const std::string type :
       {"multipart/encrypted; boundary=B", "application/pkcs7-mime; smime-type=enveloped-data"}) {
    const Parsed parsed = Read("email", "From: a\nDate: b\nContent-Type: " + type + "\n\nx");
    EXPECT_EQ(parsed.error.code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(parsed.error.message, HasSubstr("encrypted: decrypt the message"));
  }
}

TEST(MailTest, NestedPartsAreBounded) {
  std::string mail = "From: a\nDate: b\n";
  for (int i = 0; i < 40; ++i) {
    const std::string boundary = "b" + std::to_string(i) + "x";
    mail += "Content-Type: multipart/mixed; boundary=" + boundary + "\n\n--" + boundary + "\n";
  }
  const Parsed parsed = Read("email", mail + "\nText.");
  EXPECT_EQ(parsed.error.code, ErrorCode::kTooLarge);
  EXPECT_THAT(parsed.error.message, HasSubstr("deeper than 16"));
}

TEST(MailTest, NestedMessagesAreBounded) {
  std::string mail;
  for (int i = 0; i < 40; ++i) {
    mail += "Subject: s\nContent-Type: message/rfc822\n\n";
  }
  EXPECT_THAT(Read("email", mail + "\nText.").error.message, HasSubstr("deeper than 16"));
}

TEST(MailTest, AttachmentsAreCounted) {
  std::string parts;
  for (std::size_t i = 0; i <= kMaxAttachments; ++i) {
    parts += Part("Content-Disposition: attachment; filename=a.txt", "x");
  }
  EXPECT_THAT(Read("email", Multipart("mixed", parts)).error.message,
              HasSubstr("more than 64 attachments"));
}

TEST(MailTest, WhatHasNoHeaderIsNoMail) {
  EXPECT_THAT(Read("email", "just words\n").error.message, HasSubstr("no mail"));
}

}  // namespace
}  // namespace casemate::retrieval
