#pragma once

#include <memory>
#include <string>

#include "inference/messages.h"
#include "inference/room/embedder.h"
#include "inference/room/generator.h"
#include "ipc/peer.h"

namespace casemate::inference {

// Answers a keeper's messages with one model. A chat room has a generator, an embedding room an
// embedder; the other kind of request is refused. Counting tokens is the vocabulary's alone.
// Threads: Handle runs on the peer's workers.
class RoomServer {
 public:
  // All must outlive it; one of `generator` and `embedder` is nullptr.
  RoomServer(std::string name, const LlamaModel& model, Generator* generator, Embedder* embedder)
      : name_(std::move(name)), model_(&model), generator_(generator), embedder_(embedder) {}

  void Handle(ipc::Incoming request);
  // As many workers as answers at once, and some for counting and for those that wait.
  static ipc::PeerOptions Options(std::uint32_t sequences);

 private:
  void HandleGenerate(ipc::Incoming& incoming);
  void HandleEmbed(ipc::Incoming& incoming);
  void HandleRank(ipc::Incoming& incoming);
  void HandleCountTokens(ipc::Incoming& incoming);

  std::string name_;
  const LlamaModel* model_;
  Generator* generator_;
  Embedder* embedder_;
};

}  // namespace casemate::inference
