#include "flows/pcap_source.h"

#include <fcntl.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

namespace casemate::flows {
namespace {

constexpr int kSnapLength = 65535;
constexpr int kRingBytes = 16 * 1024 * 1024;  // what the kernel keeps while we are busy
constexpr int kWaitMs = 200;
constexpr std::size_t kReadBufferBytes = std::size_t{1} * 1024 * 1024;

struct Close {
  void operator()(pcap_t* handle) const { pcap_close(handle); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Handle = std::unique_ptr<pcap_t, Close>;
using File = std::unique_ptr<std::FILE, Close>;

// What Interrupt ends. A process reads one source at a time.
std::atomic<pcap_t*> reading = nullptr;
static_assert(std::atomic<pcap_t*>::is_always_lock_free);
std::atomic<bool> interrupted = false;

Result<LinkType> LinkTypeOf(pcap_t* handle) {
  const int number = pcap_datalink(handle);
  // DLT_RAW has another number than LINKTYPE_RAW on most systems.
  if (number == DLT_RAW) {
    return LinkType::kRaw;
  }
  if (!IsKnownLinkType(number)) {
    const char* name = pcap_datalink_val_to_name(number);
    return Fail(ErrorCode::kInvalidArgument,
                "frames of a link type that is not read here: " +
                    std::string(name == nullptr ? std::to_string(number) : name));
  }
  return static_cast<LinkType>(number);
}

Result<void> SetFilter(pcap_t* handle, const std::string& filter) {
  if (filter.empty()) {
    return {};
  }
  bpf_program program{};
  if (pcap_compile(handle, &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return Fail(ErrorCode::kInvalidArgument, "--filter: " + std::string(pcap_geterr(handle)));
  }
  const int set = pcap_setfilter(handle, &program);
  pcap_freecode(&program);
  return set == 0 ? Result<void>{} : Fail(ErrorCode::kInvalidArgument, pcap_geterr(handle));
}

// True: go on; false at the end, or when nothing is there and `waits` is false.
Result<bool> Next(pcap_t* handle, const FrameSink& sink, bool waits) {
  pcap_pkthdr* head = nullptr;
  const unsigned char* data = nullptr;
  const int status = pcap_next_ex(handle, &head, &data);
  if (status == PCAP_ERROR_BREAK) {
    return false;
  }
  if (status < 0) {
    return Fail(ErrorCode::kInvalidArgument, pcap_geterr(handle));
  }
  if (status == 0) {
    return waits && !interrupted;
  }
  constexpr std::int64_t kMillisecond = 1000;  // microseconds
  return sink.frame(
             {.bytes = {reinterpret_cast<const std::byte*>(data), head->caplen},
              .wire_length = head->len,
              .time_ms = std::int64_t{head->ts.tv_sec} * 1000 + head->ts.tv_usec / kMillisecond}) &&
         !(waits && interrupted);
}

// The kernel hands frames out in blocks, each kWaitMs old at most: what came just before the end is
// still with it.
Result<void> Drain(pcap_t* handle, const FrameSink& sink) {
  constexpr auto kMost = std::chrono::seconds(1);  // a busy link never runs dry
  std::this_thread::sleep_for(std::chrono::milliseconds(2 * kWaitMs));
  std::array<char, PCAP_ERRBUF_SIZE> problem{};
  if (pcap_setnonblock(handle, 1, problem.data()) != 0) {
    return {};
  }
  const auto until = std::chrono::steady_clock::now() + kMost;
  while (std::chrono::steady_clock::now() < until) {
    Result<bool> more = Next(handle, sink, false);
    if (!more || !*more) {
      return more ? Result<void>{} : std::unexpected(more.error());
    }
  }
  return {};
}

Error ActivationError(const std::string& name, pcap_t* handle, int status) {
  switch (status) {
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
      return {.code = ErrorCode::kPermissionDenied,
              .message = name +
                         ": capturing needs CAP_NET_RAW: run this one command as root, or give the "
                         "executable the capability (setcap cap_net_raw=ep casemate-flows)",
              .param = {},
              .detail = {}};
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return {.code = ErrorCode::kNotFound,
              .message = name + ": no such interface; ip link lists them",
              .param = {},
              .detail = {}};
    default:
      return {.code = ErrorCode::kUnavailable,
              .message = name + ": " + pcap_statustostr(status) + " " + pcap_geterr(handle),
              .param = {},
              .detail = {}};
  }
}

}  // namespace

struct PcapSource::State {
  std::string name;
  UniqueFd file;  // until Read
  Handle handle;
  bool live = false;
};

PcapSource::PcapSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
PcapSource::PcapSource(PcapSource&&) noexcept = default;
PcapSource& PcapSource::operator=(PcapSource&&) noexcept = default;
PcapSource::~PcapSource() = default;

Result<PcapSource> PcapSource::OpenFile(const std::string& path) {
  auto state = std::make_unique<State>();
  state->name = path == "-" ? "standard input" : path;
  state->file = UniqueFd(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                     : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!state->file.valid()) {
    return FailErrno(path);
  }
  return PcapSource(std::move(state));
}

Result<PcapSource> PcapSource::OpenInterface(const std::string& name, const std::string& filter) {
  auto state = std::make_unique<State>();
  state->name = name;
  state->live = true;
  std::array<char, PCAP_ERRBUF_SIZE> problem{};
  state->handle.reset(pcap_create(name.c_str(), problem.data()));
  pcap_t* handle = state->handle.get();
  if (handle == nullptr) {
    return Fail(ErrorCode::kNotFound, name + ": " + problem.data());
  }
  int status = pcap_set_snaplen(handle, kSnapLength);
  status = status < 0 ? status : pcap_set_timeout(handle, kWaitMs);
  status = status < 0 ? status : pcap_set_buffer_size(handle, kRingBytes);
  status = status < 0 ? status : pcap_activate(handle);
  if (status < 0) {
    return std::unexpected(ActivationError(name, handle, status));
  }
  if (Result<void> filtered = SetFilter(handle, filter); !filtered) {
    return std::unexpected(filtered.error());
  }
  if (Result<LinkType> link = LinkTypeOf(handle); !link) {
    return Wrap(link.error(), name);
  }
  return PcapSource(std::move(state));
}

Result<void> PcapSource::Read(const FrameSink& sink, const std::string& filter) {
  std::string buffer;  // outlives the handle that reads into it
  if (!state_->live) {
    buffer.resize(kReadBufferBytes);
    File file(::fdopen(state_->file.Release(), "rb"));
    if (file == nullptr) {
      return FailErrno(state_->name);
    }
    std::setvbuf(file.get(), buffer.data(), _IOFBF, buffer.size());
    std::array<char, PCAP_ERRBUF_SIZE> problem{};
    state_->handle.reset(pcap_fopen_offline(file.get(), problem.data()));
    if (state_->handle == nullptr) {
      return Fail(ErrorCode::kInvalidArgument,
                  state_->name + ": not a capture (pcap or pcapng): " + problem.data());
    }
    (void)file.release();  // the handle closes it
  }
  Result<void> done = [&]() -> Result<void> {
    pcap_t* handle = state_->handle.get();
    if (!state_->live) {
      if (Result<void> filtered = SetFilter(handle, filter); !filtered) {
        return filtered;
      }
    }
    Result<LinkType> link = LinkTypeOf(handle);
    if (!link) {
      return Wrap(link.error(), state_->name);
    }
    reading = handle;
    sink.begin(*link);
    while (true) {
      Result<bool> more = Next(handle, sink, true);
      if (!more) {
        return Wrap(more.error(), state_->name);
      }
      if (!*more) {
        return state_->live && interrupted ? Drain(handle, sink) : Result<void>{};
      }
    }
  }();
  reading = nullptr;
  if (!state_->live) {
    state_->handle.reset();  // before `buffer`
  }
  return done;
}

void PcapSource::Interrupt() noexcept {
  interrupted = true;
  if (pcap_t* handle = reading.load(); handle != nullptr) {
    pcap_breakloop(handle);  // safe in a handler of this thread (pcap_breakloop(3PCAP))
  }
}

std::uint64_t PcapSource::dropped() const {
  pcap_stat counts{};
  if (!state_->live || pcap_stats(state_->handle.get(), &counts) != 0) {
    return 0;
  }
  return std::uint64_t{counts.ps_drop} + counts.ps_ifdrop;
}

const std::string& PcapSource::name() const { return state_->name; }

}  // namespace casemate::flows
