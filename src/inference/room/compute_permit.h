#pragma once

#include <chrono>
#include <optional>

#include "base/error.h"
#include "base/fd.h"
#include "inference/room/fair_share.h"

namespace casemate::inference {

// The right to compute, shared by all rooms of a deployment through one memfd: a room holds the
// file's lock (F_OFD_SETLKW, fcntl(2)) during each step, so that rooms take turns instead of
// fighting over the cores; the kernel frees it when a room dies. The lock knows no order: whose
// turn it is stands in a FairPage that the file holds. Threads: one at a time.
class ComputePermit {
 public:
  // How long a room waits for one before it that could compute and does not come: stopped, or dead.
  static constexpr std::chrono::milliseconds kPatience{50};

  // `file`: a descriptor of an open description of this process's own; none: every step may run.
  // Where the page cannot be had the lock alone decides.
  explicit ComputePermit(UniqueFd file, std::chrono::milliseconds patience = kPatience);
  ComputePermit(ComputePermit&&) = delete;
  ~ComputePermit();

  class Held {
   public:
    explicit Held(const ComputePermit* permit) : permit_(permit) {}
    Held(Held&& other) noexcept : permit_(std::exchange(other.permit_, nullptr)) {}
    Held& operator=(Held&&) = delete;
    ~Held();

   private:
    const ComputePermit* permit_;
  };
  // Waits for the turn. `tokens`: of the step, which is what it is charged for. Errors:
  // kUnavailable.
  [[nodiscard]] Result<Held> Take(std::size_t tokens);
  // Nothing is to be computed for now. Until this is said a room keeps its turn between two steps.
  void Rest();

  bool fair() const { return page_ != nullptr; }

 private:
  void Release() const;
  void Wake() const;
  void MapPage();
  // Until a step ends somewhere; false: none did.
  bool AwaitTurn(std::uint32_t seen) const;

  UniqueFd file_;
  std::chrono::milliseconds patience_;
  FairPage* page_ = nullptr;  // shared with the other rooms
  std::size_t room_ = 0;      // this one's number there
};

}  // namespace casemate::inference
