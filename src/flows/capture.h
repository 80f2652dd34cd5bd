#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "flows/packet.h"
#include "flows/session.h"

// Passive reading of traffic: which sessions there were, and what a recorder could do with each.
namespace casemate::flows {

struct CaptureCounts {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;      // as captured
  std::uint64_t malformed = 0;  // frames that could not be read; the first reason is kept
  std::string first_reason;
  std::uint64_t sessions = 0;  // that were reported
  std::uint64_t given_up = 0;  // reported early, to stay within kMaxSessions and kMaxHeld
  std::uint64_t cut = 0;       // frames of which the capture kept only the beginning
};

// Sorts frames into sessions and hands each one out when it is over. Memory is bounded: at most
// kMaxSessions at a time with kMaxHeld bytes of handshake in all (the one that was silent longest
// is handed out as far as it was seen), and none of them keeps more than its handshake. Threads:
// one at a time.
class Capture {
 public:
  static constexpr std::size_t kMaxSessions = 16384;
  static constexpr std::size_t kMaxHeld = std::size_t{256} * 1024 * 1024;
  static constexpr std::int64_t kIdleMs = 300'000;  // of the capture's clock

  using Handler = std::function<void(CapturedSession)>;
  Capture(LinkType link, Handler done) : packets_(link), done_(std::move(done)) {}

  void Frame(ByteView frame, std::uint32_t wire_length, std::int64_t time_ms);
  // Hands out whatever is left.
  void End();
  const CaptureCounts& counts() const { return counts_; }

 private:
  struct Key {
    Address a;  // the smaller of the two
    Address b;
    Packet::Protocol protocol = Packet::Protocol::kTcp;
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    Session session;
    Address client;
    std::list<Key>::iterator age;
  };
  void HandOut(std::map<Key, Entry>::iterator entry);
  void GiveUpOld(std::int64_t time_ms);

  PacketReader packets_;
  Handler done_;
  std::map<Key, Entry> sessions_;
  std::list<Key> ages_;   // the longest silent first
  std::size_t held_ = 0;  // of all sessions
  CaptureCounts counts_;
};

}  // namespace casemate::flows
