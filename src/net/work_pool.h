#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace casemate::net {

// A fixed number of threads for calls that block (ipc/), beside the one thread that does all
// network work. Its queue is as long as its users make it: the server bounds that by the number of
// requests that it lets in. Threads: all members may run at the same time.
class WorkPool {
 public:
  explicit WorkPool(std::size_t threads);
  ~WorkPool();  // runs what was added, then joins
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  void Add(std::function<void()> work);

 private:
  void Run();

  std::mutex mutex_;  // guards queue_ and ending_
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace casemate::net
