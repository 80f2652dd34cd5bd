#include "retrieval/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace casemate::retrieval {
namespace {

using testing::HasSubstr;
using namespace std::string_view_literals;

std::string Detect(std::string_view name, std::string_view content) {
  Result<std::string> format = DetectFormat(PlaintextView::Of(name), PlaintextView::Of(content));
  return format ? *format : "refused: " + format.error().message;
}

constexpr std::string_view kMail =
    "Received: by mail\r\nFrom: a@example.org\r\nSubject: x\r\n y\r\n\r\nText";

TEST(FormatTest, TheNameTellsKindsOfText) {
  EXPECT_EQ(Detect("a.txt", "some words"), "text");
  EXPECT_EQ(Detect("a.MD", "# some words"), "markdown");
  EXPECT_EQ(Detect("a.csv", "a,b\n1,2\n"), "csv");
  EXPECT_EQ(Detect("a.tsv", "a\tb\n"), "tsv");
  EXPECT_EQ(Detect("a.htm", "words"), "html");
  EXPECT_EQ(Detect("", "words"), "text");
}

TEST(FormatTest, TheContentBeatsTheNameWhereItIsClear) {
  EXPECT_EQ(Detect("a.txt", "%PDF-1.7\n"), "pdf");
  EXPECT_EQ(Detect("a.md", "PK\x03\x04..."), "archive");
  EXPECT_EQ(Detect("a.csv", "<!DOCTYPE html><p>x"), "html");
  EXPECT_EQ(Detect("page", "<?xml version=\"1.0\"?>\n<html>"), "html");
  EXPECT_EQ(Detect("message.txt", kMail), "email");
  EXPECT_EQ(Detect("a.txt", "\xff\xfeh\0i\0"sv), "text");
}

TEST(FormatTest, NotesThatLookLikeHeadersAreNoMail) {
  EXPECT_EQ(Detect("a.txt", "Note: bring wood.\n\nFrom: the shed."), "text");
  EXPECT_EQ(Detect("a.txt", "From: me\nTo: you\n\nA letter."), "text");
  EXPECT_EQ(Detect("a.eml", "From: me\nTo: you\n\nA letter."), "email");
  EXPECT_EQ(Detect("a.eml", "just words"), "text");
}

TEST(FormatTest, APdfMayBeginLate) {
  EXPECT_EQ(Detect("a.pdf", "\n\njunk\n%PDF-1.4\n"), "pdf");
  EXPECT_EQ(Detect("a.txt", "On PDF: it begins with %PDF-1.4"), "text");
}

TEST(FormatTest, AWrongEndingIsNoticed) {
  EXPECT_THAT(Detect("a.pdf", "<html>404 not found"), HasSubstr("content that it is html"));
  EXPECT_THAT(Detect("a.docx", "%PDF-1.7"), HasSubstr("a DOCX document"));
  EXPECT_THAT(Detect("a.epub", "words"), HasSubstr("an EPUB book"));
}

TEST(FormatTest, WhatIsNotReadSaysWhatItIsAndWhatToDo) {
  EXPECT_THAT(Detect("a.txt",
                     "\x7f"
                     "ELF\x02"),
              HasSubstr("a program (ELF)"));
  EXPECT_THAT(Detect("a.gz", "\x1f\x8b\x08"), HasSubstr("unpack it first"));
  EXPECT_THAT(Detect("a.doc", "\xd0\xcf\x11\xe0\xa1\xb1"), HasSubstr("save it as DOCX"));
  EXPECT_THAT(Detect("a.rtf", "{\\rtf1 x}"), HasSubstr("save it as DOCX"));
  EXPECT_THAT(Detect("a.bin", "ab\0cd"sv), HasSubstr("binary file"));
  EXPECT_THAT(Detect("a.mbox", kMail), HasSubstr("mailbox"));
  EXPECT_THAT(Detect("a.txt", " \n"), HasSubstr("empty file"));
}

TEST(FormatTest, AProtectedOfficeDocumentIsCalledEncrypted) {
  EXPECT_THAT(
      Detect("a.docx", "\xd0\xcf\x11\xe0....E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0"sv),
      HasSubstr("encrypted: remove the password first"));
}

}  // namespace
}  // namespace casemate::retrieval
