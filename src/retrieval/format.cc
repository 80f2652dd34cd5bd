#include "retrieval/format.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace casemate::retrieval {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kSniffBytes = 8192;
constexpr std::size_t kPdfWithin = 1024;  // PDF readers look for the mark so far
// The name of the stream that holds a password-protected DOCX ([MS-OFFCRYPTO], section 2.3.4.4).
constexpr std::string_view kEncryptedPackage = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0"sv;

struct Magic {
  std::string_view bytes;
  std::string_view name;
};
constexpr std::array kOthers = {
    Magic{"\x7f"
          "ELF"sv,
          "a program (ELF)"},
    Magic{"MZ\x90"sv, "a program (Windows)"},
    Magic{"\x89PNG"sv, "a picture (PNG)"},
    Magic{"\xff\xd8\xff"sv, "a picture (JPEG)"},
    Magic{"GIF8"sv, "a picture (GIF)"},
    Magic{"II*\0"sv, "a picture (TIFF)"},
    Magic{"MM\0*"sv, "a picture (TIFF)"},
    Magic{"\x1f\x8b"sv, "packed with gzip: unpack it first"},
    Magic{"BZh"sv, "packed with bzip2: unpack it first"},
    Magic{"\xfd"
          "7zXZ"sv,
          "packed with xz: unpack it first"},
    Magic{"7z\xbc\xaf\x27\x1c"sv, "a 7z archive: unpack it first"},
    Magic{"Rar!"sv, "a RAR archive: unpack it first"},
    Magic{"{\\rtf"sv, "RTF: save it as DOCX or ODT"},
    Magic{"SQLite format 3"sv, "an SQLite database"},
};

struct Promise {
  std::string_view ending;
  std::string_view format;  // that DetectFormat must then find
  std::string_view name;
};
constexpr std::array kPromises = {
    Promise{".pdf", "pdf", "a PDF"},
    Promise{".docx", "archive", "a DOCX document"},
    Promise{".odt", "archive", "an ODT document"},
    Promise{".epub", "archive", "an EPUB book"},
    Promise{".xlsx", "archive", "a spreadsheet"},
    Promise{".doc", "", "an old Word document"},
};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool StartsWithLower(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::ranges::equal(text.substr(0, lower.size()), lower,
                            [](char a, char b) { return Lower(a) == b; });
}

bool EndsWithLower(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         StartsWithLower(text.substr(text.size() - lower.size()), lower);
}

std::string_view TrimLeft(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n\f"), text.size()));
  return text;
}

bool IsHtml(std::string_view head) {
  head = TrimLeft(head);
  if (StartsWithLower(head, "<?xml")) {
    const std::size_t end = head.find("?>");
    return end != std::string_view::npos && IsHtml(head.substr(end + 2));
  }
  return StartsWithLower(head, "<!doctype html") || StartsWithLower(head, "<html");
}

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\x1b';
}

// The name of a header field (RFC 5322, section 2.2), or nothing where the line is none.
std::string_view FieldName(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return {};
  }
  const std::string_view name = line.substr(0, colon);
  const bool good = std::ranges::all_of(
      name, [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
  return good ? name : std::string_view();
}

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> lowers) {
  return std::ranges::any_of(lowers, [&](std::string_view lower) {
    return name.size() == lower.size() && StartsWithLower(name, lower);
  });
}

// A header that only mail has: who wrote it, and one of the fields that programs add.
bool IsMail(std::string_view head, bool named_so) {
  bool from = false;
  bool added = false;
  std::size_t fields = 0;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find('\n'), head.size());
    std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 1, head.size()));
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.empty()) {
      break;
    }
    if (fields > 0 && (line[0] == ' ' || line[0] == '\t')) {
      continue;
    }
    const std::string_view name = FieldName(line);
    if (name.empty()) {
      if (head.empty()) {
        break;  // cut in the middle
      }
      return false;
    }
    ++fields;
    from = from || IsOneOf(name, {"from", "sender", "return-path"});
    added = added || IsOneOf(name, {"message-id", "received", "mime-version", "date"});
  }
  return named_so ? fields > 0 && (from || added) : from && added;
}

std::unexpected<Error> Refuse(const std::string& what) {
  return Fail(ErrorCode::kInvalidArgument, what);
}

std::string TextFormat(std::string_view file, std::string_view head) {
  if (IsHtml(head) || EndsWithLower(file, ".html") || EndsWithLower(file, ".htm") ||
      EndsWithLower(file, ".xhtml")) {
    return "html";
  }
  if (IsMail(head, EndsWithLower(file, ".eml"))) {
    return "email";
  }
  if (EndsWithLower(file, ".md") || EndsWithLower(file, ".markdown")) {
    return "markdown";
  }
  if (EndsWithLower(file, ".csv")) {
    return "csv";
  }
  return EndsWithLower(file, ".tsv") || EndsWithLower(file, ".tab") ? "tsv" : "text";
}

Result<std::string> FromContent(std::string_view file, std::string_view head,
                                std::string_view whole) {
  if (head.starts_with("%PDF-") ||
      (EndsWithLower(file, ".pdf") && head.substr(0, kPdfWithin).find("%PDF-") != head.npos)) {
    return "pdf";
  }
  if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06")) {
    return "archive";
  }
  if (head.starts_with("\xd0\xcf\x11\xe0")) {
    return whole.find(kEncryptedPackage) != whole.npos
               ? Refuse("encrypted: remove the password first")
               : Refuse("binary file (an old Office document): save it as DOCX or ODT");
  }
  for (const Magic& magic : kOthers) {
    if (head.starts_with(magic.bytes)) {
      return Refuse("binary file (" + std::string(magic.name) + ")");
    }
  }
  if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff")) {
    return TextFormat(file, {});  // UTF-16, by its byte order mark
  }
  if (std::ranges::any_of(head, IsControl)) {
    return Refuse("binary file of a kind that is not known: expected text");
  }
  if (EndsWithLower(file, ".mbox") || (head.starts_with("From ") && EndsWithLower(file, ".eml"))) {
    return Refuse("a mailbox of several messages: save each as a file of its own (.eml)");
  }
  return TextFormat(file, head);
}

}  // namespace

Result<std::string> DetectFormat(PlaintextView name, PlaintextView content) {
  std::string_view head = content.Part(0, kSniffBytes).Reveal();
  if (head.starts_with("\xEF\xBB\xBF")) {
    head.remove_prefix(3);
  }
  if (TrimLeft(head).empty() && content.size() <= kSniffBytes) {
    return Refuse("empty file: it holds no text");
  }
  const std::string_view file = name.Reveal();
  Result<std::string> format = FromContent(file, head, content.Reveal());
  if (!format) {
    return format;
  }
  for (const Promise& promise : kPromises) {
    if (EndsWithLower(file, promise.ending) && *format != promise.format) {
      return Refuse("its name says that it is " + std::string(promise.name) +
                    ", its content that it is " + *format +
                    ": is it broken? Else give it the ending of what it is");
    }
  }
  return format;
}

}  // namespace casemate::retrieval
