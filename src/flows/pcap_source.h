#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/fd.h"
#include "flows/packet.h"

// Frames from a capture file (pcap, pcapng) or an interface, through libpcap. Opening and reading
// are apart, so that a process can give up its rights in between: no byte of a capture is looked at
// before Read.
namespace casemate::flows {

struct CapturedFrame {
  ByteView bytes;                 // as captured; valid during the call
  std::uint32_t wire_length = 0;  // bytes
  std::int64_t time_ms = 0;       // unix milliseconds, of the capture's clock
};
// `begin` is called once before the first frame, `frame` for each; false ends the reading.
struct FrameSink {
  std::function<void(LinkType)> begin;
  std::function<bool(const CapturedFrame&)> frame;
};

// Threads: one at a time. Move-only.
class PcapSource {
 public:
  // `path`: "-" is standard input. Errors: kNotFound, kPermissionDenied: it cannot be opened.
  [[nodiscard]] static Result<PcapSource> OpenFile(const std::string& path);
  // Starts capturing, promiscuous mode off. `filter`: in libpcap's language, or empty. Errors:
  // kPermissionDenied: needs CAP_NET_RAW; kNotFound: no such interface; kInvalidArgument: the
  // filter, or a link type that is not read here.
  [[nodiscard]] static Result<PcapSource> OpenInterface(const std::string& name,
                                                        const std::string& filter);
  PcapSource(PcapSource&&) noexcept;
  PcapSource& operator=(PcapSource&&) noexcept;
  ~PcapSource();

  // Everything of a file; of an interface until Interrupt, or until the sink says so. `filter` of a
  // file: as above. Errors: kInvalidArgument: not a capture, a link type that is not known, a file
  // that ends within a frame or has a frame of over 256 KiB (what came before it was handed out).
  [[nodiscard]] Result<void> Read(const FrameSink& sink, const std::string& filter = {});
  // Ends the Read that is going on. May be called by a signal handler.
  static void Interrupt() noexcept;

  // Frames that the kernel dropped because they were not taken in time; 0 for a file.
  std::uint64_t dropped() const;
  const std::string& name() const;

 private:
  struct State;
  explicit PcapSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace casemate::flows
