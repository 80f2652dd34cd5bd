#include "flows/byte_stream.h"

#include <algorithm>

namespace casemate::flows {
namespace {

constexpr std::size_t kPieceCost = 96;  // of a node and its buffer, however short

}  // namespace

void ByteStream::Begin(std::uint32_t sequence) {
  if (!begun_) {
    begun_ = true;
    first_ = sequence + 1;
  }
}

std::size_t ByteStream::Add(std::uint32_t sequence, ByteView bytes, std::uint32_t wire) {
  wire_bytes_ += wire;
  if (wire == 0 || released_ || stuck_) {
    return 0;
  }
  if (!begun_) {
    begun_ = true;
    from_middle_ = true;
    first_ = sequence;
  }
  // Sequence numbers wrap; what lies before the beginning looks far ahead.
  constexpr std::uint32_t kHalf = 0x80000000U;
  const std::uint32_t at = sequence - first_;
  const auto have = static_cast<std::uint32_t>(bytes_.size());
  if (at >= kHalf) {
    return 0;
  }
  if (at > have) {
    if (pending_bytes_ + bytes.size() + kPieceCost > kMaxPending || bytes.size() < wire) {
      stuck_ = true;
      return 0;
    }
    const auto [entry, added] = pending_.try_emplace(at, Bytes(bytes.begin(), bytes.end()));
    pending_bytes_ += added ? bytes.size() + kPieceCost : 0;
    return 0;
  }
  const std::uint32_t known = have - at;
  if (known >= wire) {
    return 0;  // sent again
  }
  std::size_t added =
      Append(bytes.subspan(std::min<std::size_t>(known, bytes.size())), wire - known);
  while (!pending_.empty() && !stuck_ && pending_.begin()->first <= bytes_.size()) {
    const auto next = pending_.extract(pending_.begin());
    pending_bytes_ -= next.mapped().size() + kPieceCost;
    const std::size_t seen = bytes_.size() - next.key();
    if (seen < next.mapped().size()) {
      const ByteView rest = ByteView(next.mapped()).subspan(seen);
      added += Append(rest, static_cast<std::uint32_t>(rest.size()));
    }
  }
  return added;
}

std::size_t ByteStream::Append(ByteView bytes, std::uint32_t wire) {
  stuck_ = bytes.size() < wire || bytes_.size() + bytes.size() > kMaxKept;
  const std::size_t taken = std::min(bytes.size(), kMaxKept - bytes_.size());
  Put(bytes_, bytes.first(taken));
  return taken;
}

void ByteStream::Release() {
  released_ = true;
  bytes_ = {};
  pending_.clear();
  pending_bytes_ = 0;
}

}  // namespace casemate::flows
