#include "net/peer_set.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace casemate::net {
namespace {

struct Address {
  int family = 0;
  std::array<std::uint8_t, 16> bytes{};
  unsigned size_bits() const { return family == AF_INET ? 32 : 128; }
};

std::optional<Address> ReadAddress(std::string_view text) {
  const std::string copy(text.substr(0, INET6_ADDRSTRLEN));
  for (const int family : {AF_INET, AF_INET6}) {
    Address address{.family = family, .bytes = {}};
    if (::inet_pton(family, copy.c_str(), address.bytes.data()) == 1) {
      return address;
    }
  }
  return std::nullopt;
}

bool SameBits(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (!std::ranges::equal(a.first(whole), b.first(whole))) {
    return false;
  }
  const unsigned rest = bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool NothingBehind(std::span<const std::uint8_t> bytes, unsigned bits, unsigned size) {
  for (unsigned bit = bits; bit < size; ++bit) {
    if ((bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<PeerSet> PeerSet::Parse(std::span<const std::string> entries) {
  PeerSet set;
  for (const std::string& entry : entries) {
    const std::string_view text(entry);
    const std::size_t slash = text.find('/');
    const std::optional<Address> address = ReadAddress(text.substr(0, slash));
    unsigned bits = address ? address->size_bits() : 0;
    bool good = address.has_value();
    if (good && slash != std::string_view::npos) {
      const char* end = entry.data() + entry.size();
      const auto [stop, error] = std::from_chars(entry.data() + slash + 1, end, bits);
      good = error == std::errc() && stop == end && bits <= address->size_bits() &&
             NothingBehind(address->bytes, bits, address->size_bits());
    }
    if (!good) {
      return Fail(ErrorCode::kInvalidArgument,
                  "'" + entry.substr(0, 80) +
                      "' is no address or network; expected one such as 192.0.2.7, 10.1.0.0/16 or "
                      "2001:db8::/32");
    }
    set.prefixes_.push_back({.family = address->family, .bytes = address->bytes, .bits = bits});
  }
  return set;
}

bool PeerSet::Has(std::string_view peer) const {
  const std::optional<Address> address = ReadAddress(peer);
  return address && std::ranges::any_of(prefixes_, [&](const Prefix& prefix) {
           return prefix.family == address->family &&
                  SameBits(prefix.bytes, address->bytes, prefix.bits);
         });
}

}  // namespace casemate::net
