// What the custodian takes at its own interface: casemate_bench_custody COUNT prints JSON, one line
// a list of microseconds. Its folders are made in $TMPDIR, whose disk decides what durable costs.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "custody/server/server_fixture_test.h"

namespace casemate::custody {
namespace {

using Clock = std::chrono::steady_clock;
using policy::Purpose;

constexpr std::size_t kObjects = 64;
constexpr auto kPatience = std::chrono::seconds(10);

[[noreturn]] void Die(const char* what, const Error& error) {
  std::fprintf(stderr, "%s: %s %s\n", what, error.message.c_str(), error.detail.c_str());
  std::exit(1);
}

template <typename T>
T Must(Result<T> result, const char* what) {
  if (!result) {
    Die(what, result.error());
  }
  return std::move(*result);
}

// The microseconds of one act, again and again.
class Times {
 public:
  explicit Times(const char* name) : name_(name) {}
  ~Times() {
    std::printf("{\"%s\": [", name_);
    for (std::size_t i = 0; i < micros_.size(); ++i) {
      std::printf("%s%.1f", i == 0 ? "" : ", ", micros_[i]);
    }
    std::printf("]}\n");
  }
  Times(const Times&) = delete;
  Times& operator=(const Times&) = delete;

  template <typename Act>
  auto Of(Act act) {
    const auto begin = Clock::now();
    auto result = act();
    Add(Clock::now() - begin);
    return result;
  }
  void Add(Clock::duration took) {
    micros_.push_back(std::chrono::duration<double, std::micro>(took).count());
  }

 private:
  const char* name_;
  std::vector<double> micros_;
};

std::vector<ObjectRef> MakeObjects(SocketHarness& harness, const Ticket& ticket) {
  const Purpose purpose = Purpose::kContent;
  std::vector<ObjectRef> refs;
  for (const Created& made :
       Must(harness.client().Create(ticket, std::vector<NewObject>(kObjects), {&purpose, 1}),
            "objects")) {
    refs.push_back(made.ref);
  }
  return refs;
}

// A ticket's life: asked for and durable in the log, keys released under it, itemised at its close.
void MeasureReleases(SocketHarness& harness, std::size_t count) {
  const std::vector<ObjectRef> refs =
      MakeObjects(harness, Must(harness.client().Request(harness.Everything()), "a ticket"));
  Times tickets("ticket");
  Times ones("open_1");
  Times many("open_64");
  Times closes("close");
  for (std::size_t i = 0; i < count; ++i) {
    Ticket ticket = Must(tickets.Of([&] { return harness.client().Request(harness.Everything()); }),
                         "a ticket");
    const auto open = [&](std::span<const ObjectRef> objects) {
      return harness.client().Open(ticket, Purpose::kContent, objects);
    };
    (void)Must(ones.Of([&] { return open({&refs[i % kObjects], 1}); }), "a release");
    (void)Must(many.Of([&] { return open(refs); }), "releases");
    (void)Must(closes.Of([&] { return harness.client().Close(std::move(ticket)); }), "a close");
  }
}

// From an operator's word until the keeper's keys are wiped.
void MeasureRevocations(SocketHarness& harness, std::size_t count) {
  Times times("revocation");
  for (std::size_t i = 0; i < count; ++i) {
    const KeyCreateReply key = Must(harness.Ask<KeyCreateReply>(KeyCreate{}), "an API key");
    TicketRequest request = harness.Everything();
    request.principal = key.principal;
    request.key = key.id;
    const Ticket ticket = Must(harness.client().Request(request), "a ticket");
    const std::vector<Lease> leases = Must(
        harness.client().Open(ticket, Purpose::kContent, MakeObjects(harness, ticket)), "releases");
    const auto is_lent = [](const Lease& lease) {
      return lease.With([](KeyView) -> Result<void> { return {}; }).has_value();
    };
    const auto begin = Clock::now();
    (void)Must(harness.Ask<KeyRevokeReply>(KeyRevoke{key.id}), "a revocation");
    while (std::ranges::any_of(leases, is_lent)) {
      if (Clock::now() - begin > kPatience) {
        Die("a revocation", Error{ErrorCode::kDeadlineExceeded, "keys are still lent", {}, {}});
      }
      std::this_thread::yield();
    }
    times.Add(Clock::now() - begin);
  }
}

}  // namespace
}  // namespace casemate::custody

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100;
  casemate::custody::SocketHarness harness;
  casemate::custody::MeasureReleases(harness, count);
  casemate::custody::MeasureRevocations(harness, std::max<std::size_t>(count / 10, 2));
}
