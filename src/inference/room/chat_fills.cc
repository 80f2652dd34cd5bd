#include "inference/room/chat_fills.h"

#include <sys/random.h>

#include <array>
#include <cstdlib>

#include "base/bytes.h"

namespace casemate::inference {
namespace {

std::string RandomMarker() {
  std::array<std::byte, 16> bytes;
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    std::abort();  // without a random marker contents could be taken for template
  }
  return "m" + ToHex(bytes) + "m";
}

// RFC 8259, section 7.
Plaintext EscapeJson(PlaintextView text) {
  Plaintext escaped;
  escaped.Reserve(text.size() + text.size() / 8 + 16);
  for (const char c : text.Reveal()) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      escaped.AppendLiteral("\\");
    } else if (c == '\n') {
      escaped.AppendLiteral("\\n");
      continue;
    } else if (byte < 0x20) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      escaped.AppendLiteral("\\u00");
      escaped.Append(PlaintextView::Of(kDigits.substr(byte >> 4U, 1)));
      escaped.Append(PlaintextView::Of(kDigits.substr(byte & 0xFU, 1)));
      continue;
    }
    escaped.Append(PlaintextView::Of(std::string_view(&c, 1)));
  }
  return escaped;
}

}  // namespace

ChatFills::ChatFills() : base_(RandomMarker()) {}

std::string ChatFills::Add(PlaintextView text, Kind kind, std::size_t message) {
  fills_.push_back({.text = Plaintext::Copy(text), .kind = kind, .message = message});
  return base_ + std::to_string(fills_.size() - 1) + "e";
}

Result<std::vector<ChatFills::Piece>> ChatFills::Cut(std::string_view rendered) const {
  std::vector<Piece> pieces;
  std::vector<bool> seen(fills_.size(), false);
  while (true) {
    const std::size_t at = rendered.find(base_);
    Piece piece{.text = std::string(rendered.substr(0, at))};
    if (at == std::string_view::npos) {
      pieces.push_back(std::move(piece));
      break;
    }
    rendered.remove_prefix(at + base_.size());
    std::size_t number = 0;
    std::size_t digits = 0;
    while (digits < rendered.size() && digits < 6 && rendered[digits] >= '0' &&
           rendered[digits] <= '9') {
      number = number * 10 + static_cast<std::size_t>(rendered[digits] - '0');
      ++digits;
    }
    if (digits == 0 || digits >= rendered.size() || rendered[digits] != 'e' ||
        number >= fills_.size()) {
      return Fail(ErrorCode::kInvalidArgument, "the model's chat template changes contents");
    }
    rendered.remove_prefix(digits + 1);
    piece.fill = number;
    piece.quoted = piece.text.ends_with('"') && rendered.starts_with('"');
    if (piece.quoted && fills_[number].kind == Kind::kJson) {
      piece.text.pop_back();
      rendered.remove_prefix(1);
    }
    seen[number] = true;
    pieces.push_back(std::move(piece));
  }
  for (std::size_t i = 0; i < fills_.size(); ++i) {
    if (!seen[i] && fills_[i].kind != Kind::kString) {
      return Fail(ErrorCode::kInvalidArgument, "the model's chat template leaves out message " +
                                                   std::to_string(fills_[i].message + 1));
    }
  }
  return pieces;
}

Plaintext ChatFills::TextOf(const Piece& piece) const {
  const Fill& fill = fills_[piece.fill];
  return fill.kind == Kind::kString && piece.quoted ? EscapeJson(fill.text)
                                                    : Plaintext::Copy(fill.text);
}

}  // namespace casemate::inference
