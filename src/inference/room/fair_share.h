#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace casemate::inference {

// Whose turn it is among the rooms of a deployment that want to compute: the one that has had the
// least, in tokens of work. The page is shared memory of all rooms; it carries counters and nothing
// else, so that what one room learns there of another is when and how much it computes, which it
// could time as well.
//
// Fair queueing in the manner of start-time fair queueing (Goyal, Vin, Cheng, 1996), the continuous
// form of deficit round robin: each room has an account that its steps are charged to; of the busy
// rooms the one with the smallest account is next. A room is busy from its first step until it says
// that it rests, so that one which draws its tokens between two steps keeps its turn meanwhile. A
// room that rested begins where the step served last began: it has saved up nothing.
struct FairPage {
  static constexpr std::size_t kRooms = 500;

  struct Room {
    std::atomic<std::uint64_t> account{0};
    std::atomic<std::uint32_t> busy{0};  // 1: it computes, or will want to soon
  };
  std::atomic<std::uint64_t> served{0};  // account of the room served last, before it was charged
  std::atomic<std::uint32_t> turns{0};   // grows when a turn may have changed: a futex (futex(2))
  Room rooms[kRooms];

  // Room `room` wants to compute.
  void Want(std::size_t room);
  // Another busy room has had less. Equals go by number.
  bool IsAnotherBefore(std::size_t room) const;
  // Room `room` computes a step of `cost`; one at a time, under the permit's lock.
  void Serve(std::size_t room, std::uint64_t cost);
  // Room `room` wants nothing for now.
  void Rest(std::size_t room) { rooms[room].busy = 0; }
  // Those before `room` did not come when they could: they rest until they want again.
  void ForgetBefore(std::size_t room);

 private:
  bool IsBefore(std::size_t other, std::size_t room) const;
};
static_assert(sizeof(FairPage) <= std::size_t{16} << 10);  // what the supervisor makes room for
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);  // or processes could not share it

}  // namespace casemate::inference
