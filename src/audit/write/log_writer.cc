#include "audit/write/log_writer.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>

#include "audit/write/integrator.h"
#include "audit/write/journal.h"
#include "base/clock.h"
#include "base/log.h"
#include "metrics/metrics.h"

namespace casemate::audit {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kRelaxedDelay{500};     // an entry nobody waits for is durable by then
constexpr milliseconds kTilesDelay{400};       // durable entries are gathered for one checkpoint
constexpr milliseconds kRetryDelay{1000};      // after tiles could not be written
constexpr std::size_t kJournalGoal = 1 << 20;  // bytes; above it what is in tiles is cut off

metrics::Histogram write_seconds("casemate_log_write_seconds",
                                 "One durable write of the audit log (fdatasync included)");
metrics::Counter entries_written("casemate_log_entries_total", "Entries of the audit log, by kind",
                                 {"kind"});
metrics::Gauge checkpoint_time("casemate_log_checkpoint_timestamp_seconds",
                               "When the last signed checkpoint was written, as a UNIX time");

class FileLogWriter final : public LogWriter {
 public:
  FileLogWriter(Options options, std::unique_ptr<Journal> journal)
      : options_(std::move(options)), journal_(std::move(journal)) {}

  ~FileLogWriter() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
      work_.notify_all();
      tiles_.notify_all();
    }
    if (committer_.joinable()) {
      committer_.join();
      tiler_.join();
      if (Result<void> closed = Finish(); !closed) {
        LogError("log: not closed in order; it is at the next start", closed.error());
      }
    }
  }

  Result<void> Start(std::uint64_t first_index, std::vector<Bytes> entries) {
    Result<std::unique_ptr<Integrator>> opened =
        Integrator::Open(options_.folder, options_.origin, options_.keys);
    if (!opened) {
      return std::unexpected(opened.error());
    }
    integrator_ = std::move(*opened);
    const std::uint64_t size = integrator_->size();
    if (first_index > size || first_index + entries.size() < size) {
      return Fail(ErrorCode::kIntegrityFailure,
                  "journal: has entries " + std::to_string(first_index) + " to " +
                      std::to_string(first_index + entries.size()) +
                      " (the last excluded), the checkpoint ends at " + std::to_string(size) +
                      ": they are of different times");
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::uint64_t index = first_index + i;
      if (index >= size) {
        pending_.push_back(std::move(entries[i]));
      } else if (Result<void> same = integrator_->Compare(index, entries[i]); !same) {
        return same;
      }
    }
    next_index_ = durable_ = size + pending_.size();
    if (Result<void> finished = Finish(); !finished) {
      return finished;
    }
    committer_ = std::thread([this] { RunCommitter(); });
    tiler_ = std::thread([this] { RunTiler(); });
    return {};
  }

  Result<std::uint64_t> Append(const Leaf& leaf) override {
    Result<Bytes> entry = Encode(leaf);
    if (!entry) {
      return std::unexpected(entry.error());
    }
    std::unique_lock lock(mutex_);
    Result<std::uint64_t> index = Queue(std::move(*entry));
    if (!index) {
      return index;
    }
    entries_written.Add({metrics::LabelValue::FromCode(LeafTypeName(leaf.type))});
    urgent_ = true;
    work_.notify_one();
    if (Result<void> durable = AwaitDurable(lock, *index + 1); !durable) {
      return std::unexpected(durable.error());
    }
    return index;
  }

  Result<std::uint64_t> AppendRelaxed(const Leaf& leaf) override {
    Result<Bytes> entry = Encode(leaf);
    if (!entry) {
      return std::unexpected(entry.error());
    }
    const std::lock_guard lock(mutex_);
    Result<std::uint64_t> index = Queue(std::move(*entry));
    if (index) {
      entries_written.Add({metrics::LabelValue::FromCode(LeafTypeName(leaf.type))});
    }
    if (index && !deadline_) {
      deadline_ = Clock::now() + kRelaxedDelay;
      work_.notify_one();
    }
    return index;
  }

  std::uint64_t size() const override {
    const std::lock_guard lock(mutex_);
    return durable_;
  }
  std::uint64_t checkpoint_size() const override { return integrator_->size(); }
  crypto::SigningKey const& primary_key() const override { return options_.keys.front(); }

  Result<void> Checkpoint() override {
    {
      std::unique_lock lock(mutex_);
      urgent_ = true;
      work_.notify_one();
      if (Result<void> durable = AwaitDurable(lock, next_index_); !durable) {
        return durable;
      }
    }
    return WriteTiles();
  }

 private:
  static Result<Bytes> Encode(const Leaf& leaf) {
    Bytes entry = EncodeLeaf(leaf);
    if (const Result<Leaf> readable = DecodeLeaf(entry); !readable) {
      return std::unexpected(readable.error());  // nobody could verify a log with it
    }
    return entry;
  }

  // With mutex_ held.
  Result<std::uint64_t> Queue(Bytes entry) {
    if (failed_) {
      return std::unexpected(*failed_);
    }
    if (Result<void> reserved = journal_->Reserve(entry.size()); !reserved) {
      return std::unexpected(reserved.error());
    }
    queue_.push_back(std::move(entry));
    return next_index_++;
  }

  Result<void> AwaitDurable(std::unique_lock<std::mutex>& lock, std::uint64_t end) {
    done_.wait(lock, [&] { return durable_ >= end || failed_; });
    return durable_ >= end ? Result<void>() : std::unexpected(*failed_);
  }

  // Waits until there is a batch to commit; an empty one: it is time to stop.
  std::vector<Bytes> TakeBatch() {
    std::unique_lock lock(mutex_);
    while (!failed_) {
      const bool due = urgent_ || stop_ || (deadline_ && Clock::now() >= *deadline_);
      if (due && !queue_.empty()) {
        const std::size_t count = std::min(queue_.size(), Journal::kMaxEntriesPerFrame);
        std::vector<Bytes> batch(std::make_move_iterator(queue_.begin()),
                                 std::make_move_iterator(queue_.begin() + count));
        queue_.erase(queue_.begin(), queue_.begin() + count);
        if (queue_.empty()) {
          urgent_ = false;
          deadline_.reset();
        }
        return batch;
      }
      urgent_ = false;
      if (stop_) {
        break;
      }
      if (deadline_) {
        work_.wait_until(lock, *deadline_);
      } else {
        work_.wait(lock);
      }
    }
    return {};
  }

  void RunCommitter() {
    for (std::vector<Bytes> batch = TakeBatch(); !batch.empty(); batch = TakeBatch()) {
      const std::lock_guard journal_lock(journal_mutex_);
      const Clock::time_point begun = Clock::now();
      const Result<void> durable = journal_->Append(batch);
      write_seconds.Observe(std::chrono::duration<double>(Clock::now() - begun).count());
      const std::lock_guard lock(mutex_);
      if (durable) {
        durable_ += batch.size();
        std::ranges::move(batch, std::back_inserter(pending_));
      } else {
        // Fail-stop: what is on disk now is not known, so nothing more is acknowledged.
        failed_ = durable.error();
        failed_->message += " (the log accepts nothing more until it is opened again)";
        LogError("log: stopped", *failed_);
      }
      done_.notify_all();
      tiles_.notify_one();
    }
  }

  void RunTiler() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      tiles_.wait(lock, [this] { return stop_ || !pending_.empty(); });
      tiles_.wait_for(lock, kTilesDelay, [this] { return stop_; });
      if (stop_) {
        return;  // the destructor does the rest
      }
      lock.unlock();
      const Result<void> written = WriteTiles();
      lock.lock();
      if (!written) {
        LogError("log: tiles not written; entries stay in the journal", written.error());
        tiles_.wait_for(lock, kRetryDelay, [this] { return stop_; });
      }
    }
  }

  // Tiles and checkpoint for what is durable; shortens the journal when it has grown.
  Result<void> WriteTiles() {
    const std::lock_guard tiles_lock(tiles_mutex_);
    std::vector<Bytes> entries;
    {
      const std::lock_guard lock(mutex_);
      entries.assign(pending_.begin(), pending_.end());
    }
    if (!entries.empty()) {
      if (Result<void> added = integrator_->Add(entries); !added) {
        return added;
      }
      checkpoint_time.Set(static_cast<double>(UnixSeconds()));
      const std::lock_guard lock(mutex_);
      pending_.erase(pending_.begin(),
                     pending_.begin() + static_cast<std::ptrdiff_t>(entries.size()));
    }
    const std::lock_guard journal_lock(journal_mutex_);
    return journal_->size_bytes() > kJournalGoal ? ShortenJournal() : Result<void>();
  }

  // With tiles_mutex_ and journal_mutex_ held: nothing becomes durable or leaves `pending_`
  // meanwhile.
  Result<void> ShortenJournal() {
    std::vector<Bytes> rest;
    {
      const std::lock_guard lock(mutex_);
      rest.assign(pending_.begin(), pending_.end());
    }
    return journal_->Rewrite(integrator_->size(), rest);
  }

  // At start and end, when no other thread runs.
  Result<void> Finish() {
    if (failed_) {
      return std::unexpected(*failed_);
    }
    if (Result<void> written = WriteTiles(); !written) {
      return written;
    }
    const std::scoped_lock locks(tiles_mutex_, journal_mutex_);
    return journal_->size_bytes() > kJournalHeaderSize ? ShortenJournal() : Result<void>();
  }

  Options options_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Integrator> integrator_;

  // Order of locking: tiles_mutex_, journal_mutex_, mutex_.
  std::mutex tiles_mutex_;    // one Integrator::Add at a time
  std::mutex journal_mutex_;  // from a frame's write until its entries are in pending_
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable work_;
  std::condition_variable done_;
  std::condition_variable tiles_;
  std::vector<Bytes> queue_;   // not durable yet
  std::deque<Bytes> pending_;  // durable, not in tiles yet
  std::uint64_t next_index_ = 0;
  std::uint64_t durable_ = 0;  // invariant: next_index_ - queue_.size() - a batch being written
  bool urgent_ = false;        // somebody waits for the queue
  std::optional<Clock::time_point> deadline_;  // of the oldest entry nobody waits for
  std::optional<Error> failed_;
  bool stop_ = false;
  std::thread committer_;
  std::thread tiler_;
};

// Journal first, then the checkpoint of the empty tree: a checkpoint without a journal is an error.
Result<void> MakeFiles(const LogWriter::Options& options, const std::filesystem::path& journal) {
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) {
    return Fail(ErrorCode::kUnavailable,
                "create " + options.folder.string() + ": " + error.message());
  }
  const bool has_journal = std::filesystem::exists(journal, error);
  const bool has_checkpoint = std::filesystem::exists(options.folder / "checkpoint", error);
  const bool has_tiles = std::filesystem::exists(options.folder / "tile", error);
  if (has_checkpoint && has_journal) {
    return {};
  }
  if (has_checkpoint) {
    return Fail(ErrorCode::kIntegrityFailure,
                "journal: the file is missing; entries that were acknowledged may be lost");
  }
  if (has_tiles) {
    return Fail(ErrorCode::kIntegrityFailure, "checkpoint: the file is missing, tiles are there");
  }
  if (!has_journal) {
    if (Result<void> made = Journal::Create(journal, options.journal_key, 0); !made) {
      return made;
    }
  }
  // A start that was cut short leaves a journal that holds nothing.
  const Result<Journal::Opened> opened = Journal::Open(journal, options.journal_key);
  if (!opened) {
    return std::unexpected(opened.error());
  }
  if (opened->first_index != 0 || !opened->entries.empty()) {
    return Fail(ErrorCode::kIntegrityFailure,
                "checkpoint: the file is missing, the journal has entries");
  }
  return Integrator::Begin(options.folder, options.origin, options.keys);
}

}  // namespace

LogWriter::~LogWriter() = default;

Result<std::unique_ptr<LogWriter>> LogWriter::Open(Options options) {
  if (options.keys.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "log: no key to sign checkpoints with");
  }
  const std::filesystem::path path = options.folder / "journal";
  if (Result<void> made = MakeFiles(options, path); !made) {
    return std::unexpected(made.error());
  }
  Result<Journal::Opened> opened = Journal::Open(path, options.journal_key);
  if (!opened) {
    return std::unexpected(opened.error());
  }
  auto writer = std::make_unique<FileLogWriter>(std::move(options), std::move(opened->journal));
  if (Result<void> started = writer->Start(opened->first_index, std::move(opened->entries));
      !started) {
    return std::unexpected(started.error());
  }
  return writer;
}

}  // namespace casemate::audit
