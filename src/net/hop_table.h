#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/hop.h"

namespace casemate::net {

// A hop as the table has it: every connection with the same facts in one row.
struct HopRow {
  HopFacts facts;
  std::uint64_t connections = 0;
  std::uint64_t open = 0;
  std::uint64_t bytes_in = 0;  // of the application: without TLS's and TCP's own
  std::uint64_t bytes_out = 0;
  std::int64_t first_seen = 0;  // UNIX seconds
  std::int64_t last_seen = 0;   // the last byte, or the end of a connection
};

struct RefusalRow {
  HopRefusal refusal;  // detail, groups and versions: of the last one
  std::uint64_t count = 0;
  std::int64_t first_seen = 0;
  std::int64_t last_seen = 0;
};

// What no row says any more.
struct HopsForgotten {
  std::uint64_t hops = 0;  // rows
  std::uint64_t connections = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t refusals = 0;  // attempts, not rows
};

struct HopSnapshot {
  std::int64_t since = 0;           // when the table was made
  std::vector<HopRow> hops;         // last seen first
  std::vector<RefusalRow> refused;  // last seen first
  HopsForgotten forgotten;
};

struct HopLimits {
  std::size_t hops = 1024;
  std::size_t refusals = 256;
};

// The hops of one process, in memory only. Bounded: when it is full, the row that was seen longest
// ago goes, one without open connections first, and its counts are added to `forgotten`.
// Threads: all members may be called at any time.
class HopTable : public std::enable_shared_from_this<HopTable> {
 public:
  // `now`: UNIX seconds; a test has its own.
  static std::shared_ptr<HopTable> Make(HopLimits limits = {},
                                        std::function<std::int64_t()> now = nullptr);
  ~HopTable();
  HopTable(const HopTable&) = delete;
  HopTable& operator=(const HopTable&) = delete;

  // One connection; its destructor ends it. Keeps the table.
  class Use {
   public:
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    void Add(std::uint64_t bytes_in, std::uint64_t bytes_out);
    const HopFacts& facts() const;

   private:
    friend class HopTable;
    struct Entry;
    Use(std::shared_ptr<HopTable> table, std::shared_ptr<Entry> entry);
    std::shared_ptr<HopTable> table_;
    std::shared_ptr<Entry> entry_;
  };
  [[nodiscard]] std::shared_ptr<Use> Open(const HopFacts& facts);
  void Refuse(const HopRefusal& refusal);
  HopSnapshot Snapshot() const;

 private:
  struct State;
  explicit HopTable(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// One connection without a table: nothing.
using HopUse = std::shared_ptr<HopTable::Use>;

}  // namespace casemate::net
