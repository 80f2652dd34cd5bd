#include "flows/capture.h"

#include <utility>

namespace casemate::flows {

void Capture::Frame(ByteView frame, std::uint32_t wire_length, std::int64_t time_ms) {
  ++counts_.frames;
  counts_.bytes += frame.size();
  counts_.cut += frame.size() < wire_length ? 1 : 0;
  Result<std::optional<Packet>> packet = packets_.Read(frame, wire_length);
  if (!packet) {
    ++counts_.malformed;
    if (counts_.first_reason.empty()) {
      counts_.first_reason =
          "frame " + std::to_string(counts_.frames) + " " + packet.error().message;
    }
    return;
  }
  if (!*packet) {
    return;
  }
  const Packet& seen = **packet;
  Key key{seen.source, seen.destination, seen.protocol};
  if (key.b < key.a) {
    std::swap(key.a, key.b);
  }
  auto entry = sessions_.find(key);
  // A new SYN where the old connection is over: the ports are used again.
  if (entry != sessions_.end() && seen.syn && !seen.ack && entry->second.session.over()) {
    HandOut(entry);
    entry = sessions_.end();
  }
  if (entry == sessions_.end()) {
    GiveUpOld(time_ms);
    ages_.push_back(key);
    entry = sessions_
                .emplace(key,
                         Entry{.session = Session(seen, time_ms),
                               .client = Session::FromServer(seen) ? seen.destination : seen.source,
                               .age = std::prev(ages_.end())})
                .first;
  } else {
    ages_.splice(ages_.end(), ages_, entry->second.age);
  }
  Session& session = entry->second.session;
  held_ -= session.held();
  session.Add(seen, seen.source == entry->second.client, time_ms);
  held_ += session.held();
  while (held_ > kMaxHeld) {
    const auto oldest = sessions_.find(ages_.front());
    ++counts_.given_up;
    HandOut(oldest);
  }
}

void Capture::GiveUpOld(std::int64_t time_ms) {
  while (!ages_.empty()) {
    const auto oldest = sessions_.find(ages_.front());
    const bool full = sessions_.size() >= kMaxSessions;
    const Session& session = oldest->second.session;
    if (!full && !session.over() && session.last_ms() + kIdleMs > time_ms) {
      return;
    }
    counts_.given_up += full && !session.over() && session.interesting() ? 1 : 0;
    HandOut(oldest);
  }
}

void Capture::HandOut(std::map<Key, Entry>::iterator entry) {
  Session& session = entry->second.session;
  held_ -= session.held();
  if (session.interesting()) {
    ++counts_.sessions;
    done_(session.Finish());
  }
  ages_.erase(entry->second.age);
  sessions_.erase(entry);
}

void Capture::End() {
  while (!ages_.empty()) {
    HandOut(sessions_.find(ages_.front()));
  }
}

}  // namespace casemate::flows
