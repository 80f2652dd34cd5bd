#include "retrieval/parsing/mail.h"

#include <string>
#include <string_view>
#include <utility>

#include "retrieval/parsing/block_writer.h"
#include "retrieval/parsing/charset.h"
#include "retrieval/parsing/decode.h"
#include "retrieval/parsing/html.h"
#include "retrieval/parsing/mime.h"
#include "retrieval/parsing/text.h"

namespace casemate::retrieval {
namespace {

bool IsPicture(std::string_view type) {
  return type.starts_with("image/") || type.starts_with("audio/") || type.starts_with("video/");
}
bool IsSignature(std::string_view type) {
  return type == "application/pgp-signature" || type == "application/pkcs7-signature" ||
         type == "application/x-pkcs7-signature";
}

Plaintext Transferred(const MailPart& part) {
  const std::string encoding = ParseMailValue(part.Field("content-transfer-encoding")).value;
  if (encoding == "base64") {
    return DecodeBase64(part.body);
  }
  return encoding == "quoted-printable" ? DecodeQuotedPrintable(part.body)
                                        : Plaintext::Copy(part.body);
}

class MessageReader {
 public:
  MessageReader(const AttachmentReader& reader, MailBudget& budget)
      : reader_(reader), budget_(budget) {}

  Result<ParsedDocument> Read(std::string_view bytes) {
    Result<MailPart> message = SplitPart(bytes);
    if (!message) {
      return std::unexpected(message.error());
    }
    if (message->fields.empty()) {
      return Fail(ErrorCode::kInvalidArgument, "no mail: it does not begin with header fields");
    }
    WriteHeader(*message);
    if (Result<void> read = ReadPart(*message, "text/plain"); !read) {
      return std::unexpected(read.error());
    }
    return writer_.Finish();
  }

 private:
  void WriteHeader(const MailPart& message) {
    const Plaintext subject = DecodeFieldText(message.Field("subject"));
    Add(BlockKind::kHeading, 1, subject);
    writer_.SetTitle(Tidied(subject));
    Plaintext lines;
    constexpr std::pair<std::string_view, std::string_view> kShown[] = {{"from", "From: "},
                                                                        {"to", "To: "},
                                                                        {"cc", "Cc: "},
                                                                        {"date", "Date: "},
                                                                        {"subject", "Subject: "}};
    for (const auto& [name, shown] : kShown) {
      const Plaintext value = DecodeFieldText(message.Field(name));
      if (!value.empty()) {
        lines.AppendLiteral(shown);
        lines.Append(value);
        lines.AppendLiteral("\n");
      }
    }
    Add(BlockKind::kTable, 0, lines);
  }

  // Of decoded words no control character may get through.
  static Plaintext Tidied(PlaintextView text) {
    Result<Plaintext> tidy = text.empty() ? Result<Plaintext>(Plaintext()) : DecodeText(text);
    return tidy ? std::move(*tidy) : Plaintext();
  }
  void Add(BlockKind kind, std::uint8_t level, PlaintextView text) {
    writer_.Add(kind, level, Tidied(text));
  }

  Result<void> ReadPart(const MailPart& part, std::string_view default_type) {
    if (++budget_.parts > kMaxMailParts) {
      return Fail(ErrorCode::kTooLarge,
                  "the message has more than " + std::to_string(kMaxMailParts) + " parts");
    }
    if (budget_.depth >= kMaxMailDepth) {
      return Fail(ErrorCode::kTooLarge, "the message nests parts deeper than " +
                                            std::to_string(kMaxMailDepth) + " levels");
    }
    ++budget_.depth;
    Result<void> read = ReadTyped(part, default_type);
    --budget_.depth;
    return read;
  }

  Result<void> ReadTyped(const MailPart& part, std::string_view default_type) {
    MailValue type = ParseMailValue(part.Field("content-type"));
    if (type.value.find('/') == std::string::npos) {
      type.value = default_type;
    }
    if (type.value == "multipart/encrypted" ||
        (type.value.ends_with("pkcs7-mime") && type.Get("smime-type").Reveal() != "signed-data")) {
      return Fail(ErrorCode::kInvalidArgument,
                  "encrypted: decrypt the message in a mail program and save it from there");
    }
    if (type.value.starts_with("multipart/")) {
      return ReadMultipart(part, type);
    }
    const MailValue disposition = ParseMailValue(part.Field("content-disposition"));
    PlaintextView raw_name = disposition.Get("filename");
    raw_name = raw_name.empty() ? type.Get("name") : raw_name;
    const Plaintext name = DecodeFieldText(raw_name.Reveal());
    const bool attached = disposition.value == "attachment" || !name.empty();
    if (type.value == "text/html" && !attached) {
      return AddText(part, type, ParseHtml);
    }
    if (type.value.starts_with("text/") && !attached) {
      return AddText(part, type, ParseText);
    }
    return IsPicture(type.value) || IsSignature(type.value) ? Result<void>()
                                                            : ReadAttachment(part, type, name);
  }

  Result<void> ReadMultipart(const MailPart& part, const MailValue& type) {
    Result<std::vector<std::string_view>> bodies =
        SplitMultipart(part.body, type.Get("boundary").Reveal(), kMaxMailParts);
    if (!bodies) {
      return std::unexpected(bodies.error());
    }
    const bool alternative = type.value == "multipart/alternative";
    const std::string_view inner =
        type.value == "multipart/digest" ? "message/rfc822" : "text/plain";
    // The plain text is what stands first; the next one is read where it was empty.
    for (const std::string_view body : *bodies) {
      Result<MailPart> inside = SplitPart(body);
      if (!inside) {
        return std::unexpected(inside.error());
      }
      const std::size_t before = writer_.blocks();
      if (Result<void> read = ReadPart(*inside, inner); !read) {
        return read;
      }
      if (alternative && writer_.blocks() > before) {
        break;
      }
    }
    return {};
  }

  Result<void> AddText(const MailPart& part, const MailValue& type,
                       Result<ParsedDocument> (*parse)(PlaintextView)) {
    const Plaintext utf8 = ToUtf8(Transferred(part), type.Get("charset").Reveal());
    Result<Plaintext> text = DecodeText(utf8);
    if (!text) {
      return {};  // empty, or no text at all
    }
    Result<ParsedDocument> parsed = parse(*text);
    if (!parsed) {
      return std::unexpected(parsed.error());
    }
    writer_.AddDocument(*parsed, 1);
    return {};
  }

  Result<void> ReadAttachment(const MailPart& part, const MailValue& type, PlaintextView name) {
    if (++budget_.attachments > kMaxAttachments) {
      return Fail(ErrorCode::kTooLarge,
                  "the message has more than " + std::to_string(kMaxAttachments) + " attachments");
    }
    const bool message = type.value == "message/rfc822";
    const Plaintext content = Transferred(part);
    Result<ParsedDocument> parsed =
        message ? ParseMail(content, reader_, budget_) : reader_(name, content, budget_);
    if (!parsed && parsed.error().code != ErrorCode::kInvalidArgument) {
      return std::unexpected(parsed.error());
    }
    Plaintext heading = Plaintext::Copy(message ? "Attached message" : "Attachment");
    if (!name.empty()) {
      heading.AppendLiteral(": ");
      heading.Append(name);
    }
    if (parsed) {
      Add(BlockKind::kHeading, 2, heading);
      writer_.AddDocument(*parsed, 2);
    } else {
      heading.AppendLiteral(" was not read: ");
      heading.AppendLiteral(parsed.error().message);
      Add(BlockKind::kParagraph, 0, heading);
    }
    return {};
  }

  const AttachmentReader& reader_;
  MailBudget& budget_;
  BlockWriter writer_;
};

}  // namespace

Result<ParsedDocument> ParseMail(PlaintextView bytes, const AttachmentReader& reader,
                                 MailBudget& budget) {
  return MessageReader(reader, budget).Read(bytes.Reveal());
}

}  // namespace casemate::retrieval
