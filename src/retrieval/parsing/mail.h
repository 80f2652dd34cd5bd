#pragma once

#include <cstddef>
#include <functional>

#include "base/error.h"
#include "retrieval/messages.h"

namespace casemate::retrieval {

inline constexpr std::size_t kMaxMailDepth = 16;    // of parts within parts, messages included
inline constexpr std::size_t kMaxMailParts = 1000;  // of a message, with those of messages in it
inline constexpr std::size_t kMaxAttachments = 64;  // that are read

// What a message and the messages attached to it may use together.
struct MailBudget {
  std::size_t depth = 0;
  std::size_t parts = 0;
  std::size_t attachments = 0;
};

// Reads an attachment of whatever kind; the budget is handed on to messages among them.
using AttachmentReader =
    std::function<Result<ParsedDocument>(PlaintextView name, PlaintextView content, MailBudget&)>;

// A message (RFC 5322, MIME): subject as title and heading, then lines From, To, Cc and Date, then
// the text. Of alternatives the plain text is read, or the HTML where that is empty; attachments
// are read by `reader` and stand under a heading with their name. Pictures, sound and signatures
// are left out; an attachment that cannot be read is named with the reason. `bytes` as they came.
// Errors: kTooLarge: a limit above; kInvalidArgument: encrypted (S/MIME, PGP/MIME), or no message.
[[nodiscard]] Result<ParsedDocument> ParseMail(PlaintextView bytes, const AttachmentReader& reader,
                                               MailBudget& budget);

}  // namespace casemate::retrieval
