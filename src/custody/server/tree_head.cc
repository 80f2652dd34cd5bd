#include "custody/server/tree_head.h"

#include <array>
#include <charconv>
#include <vector>

namespace casemate::custody {
namespace {

constexpr std::string_view kOriginPrefix = "casemate.tree/";
constexpr std::string_view kSignaturePrefix = "\xe2\x80\x94 ";  // em dash, U+2014, and a blank
constexpr std::size_t kHeadLines = 7;

std::unexpected<Error> Bad(const char* why) {
  return Fail(ErrorCode::kIntegrityFailure, "a tree head that does not fit its format", why);
}

// signed-note, section "Signatures": the key id binds name, type and public key. Type 0x01 is
// Ed25519; 0xff begins a type of one's own, named by the text after it.
Bytes KeyHash(std::string_view name, const crypto::SigningKey& key) {
  Bytes input;
  Put(input, AsBytes(name));
  input.push_back(std::byte{'\n'});
  if (key.algorithm() == crypto::SignatureAlgorithm::kEd25519) {
    input.push_back(std::byte{0x01});
  } else {
    input.push_back(std::byte{0xff});
    Put(input, AsBytes("casemate.local/ML-DSA-44"));
  }
  Put(input, key.public_key());
  const crypto::Digest digest = crypto::Sha256(input);
  return {digest.begin(), digest.begin() + 4};
}

std::string Origin(const TenantId& deployment) {
  return std::string(kOriginPrefix) + deployment.ToString();
}

// Splits at the empty line. The text keeps its last newline.
Result<std::pair<std::string_view, std::string_view>> Split(ByteView note) {
  const std::string_view all = AsText(note);
  const std::size_t gap = all.find("\n\n");
  if (note.size() > kMaxHeadNote || gap == std::string_view::npos) {
    return Bad("no empty line, or too long");
  }
  return std::pair(all.substr(0, gap + 1), all.substr(gap + 2));
}

Result<std::string_view> Value(std::string_view line, std::string_view name) {
  if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') {
    return Bad("a line of another name");
  }
  return line.substr(name.size() + 1);
}

Result<std::uint64_t> Number(std::string_view line, std::string_view name) {
  Result<std::string_view> text = Value(line, name);
  if (!text) {
    return std::unexpected(text.error());
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() ||
      (text->size() > 1 && text->front() == '0')) {
    return Bad("a number that is none");
  }
  return value;
}

Result<crypto::Digest> Hash(std::string_view line, std::string_view name) {
  Result<std::string_view> text = Value(line, name);
  if (!text) {
    return std::unexpected(text.error());
  }
  Result<Bytes> bytes = FromBase64(*text);
  crypto::Digest digest{};
  if (!bytes || bytes->size() != digest.size()) {
    return Bad("a digest that is none");
  }
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

// The signature of `key` in the signature lines, or an error.
Result<Bytes> FindSignature(std::string_view lines, std::string_view name,
                            const crypto::SigningKey& key) {
  const Bytes key_hash = KeyHash(name, key);
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    if (end == std::string_view::npos) {
      return Bad("a signature line without its newline");
    }
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 1);
    if (!line.starts_with(kSignaturePrefix)) {
      return Bad("a signature line without its dash");
    }
    line.remove_prefix(kSignaturePrefix.size());
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos || line.substr(0, blank) != name) {
      continue;
    }
    Result<Bytes> blob = FromBase64(line.substr(blank + 1));
    if (blob && blob->size() > 4 && std::equal(key_hash.begin(), key_hash.end(), blob->begin())) {
      blob->erase(blob->begin(), blob->begin() + 4);
      return blob;
    }
  }
  return Bad("a signature is missing");
}

}  // namespace

std::string WriteTreeHead(const TreeHead& head) {
  return Origin(head.deployment) + "\n" +                      //
         "tenant " + head.tenant.ToString() + "\n" +           //
         "epoch " + std::to_string(head.epoch) + "\n" +        //
         "sequence " + std::to_string(head.sequence) + "\n" +  //
         "root " + ToBase64(head.root) + "\n" +                //
         "state " + ToBase64(head.state) + "\n" +              //
         "log " + std::to_string(head.log_size) + "\n";
}

Result<TreeHead> ParseTreeHead(std::string_view text) {
  if (text.size() > kMaxHeadNote) {
    return Bad("too long");
  }
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || lines.size() == kHeadLines) {
      return Bad("too many lines, or the last one is not ended");
    }
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  if (lines.size() != kHeadLines || !lines[0].starts_with(kOriginPrefix)) {
    return Bad("too few lines, or another origin");
  }
  TreeHead head;
  Result<TenantId> deployment = TenantId::Parse(lines[0].substr(kOriginPrefix.size()));
  Result<std::string_view> tenant_text = Value(lines[1], "tenant");
  if (!deployment || !tenant_text) {
    return Bad("origin or tenant");
  }
  Result<TenantId> tenant = TenantId::Parse(*tenant_text);
  Result<std::uint64_t> epoch = Number(lines[2], "epoch");
  Result<std::uint64_t> sequence = Number(lines[3], "sequence");
  Result<crypto::Digest> root = Hash(lines[4], "root");
  Result<crypto::Digest> state = Hash(lines[5], "state");
  Result<std::uint64_t> log_size = Number(lines[6], "log");
  if (!tenant || !epoch || !sequence || !root || !state || !log_size) {
    return Bad("a field");
  }
  return TreeHead{*deployment, *tenant, *epoch, *sequence, *root, *state, *log_size};
}

Result<Bytes> SignTreeHead(const TreeHead& head, std::span<const crypto::SigningKey> keys) {
  const std::string text = WriteTreeHead(head);
  const std::string name = Origin(head.deployment);
  Bytes note;
  Put(note, AsBytes(text));
  note.push_back(std::byte{'\n'});
  for (const crypto::SigningKey& key : keys) {
    Result<Bytes> signature = key.Sign(AsBytes(text));
    if (!signature) {
      return signature;
    }
    Bytes blob = KeyHash(name, key);
    Put(blob, *signature);
    Put(note, AsBytes(std::string(kSignaturePrefix) + name + " " + ToBase64(blob) + "\n"));
  }
  return note;
}

Result<TreeHead> OpenTreeHead(ByteView note, std::span<const crypto::SigningKey> keys) {
  auto parts = Split(note);
  if (!parts) {
    return std::unexpected(parts.error());
  }
  Result<TreeHead> head = ParseTreeHead(parts->first);
  if (!head) {
    return head;
  }
  for (const crypto::SigningKey& key : keys) {
    Result<Bytes> signature = FindSignature(parts->second, Origin(head->deployment), key);
    if (!signature) {
      return std::unexpected(signature.error());
    }
    if (Result<void> good =
            crypto::Verify(key.algorithm(), key.public_key(), AsBytes(parts->first), *signature);
        !good) {
      return Bad("a signature does not verify");
    }
  }
  return head;
}

Result<TreeHead> ReadTreeHeadWithoutVerifying(ByteView note) {
  auto parts = Split(note);
  if (!parts) {
    return std::unexpected(parts.error());
  }
  return ParseTreeHead(parts->first);
}

}  // namespace casemate::custody
