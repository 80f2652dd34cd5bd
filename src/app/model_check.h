#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "inference/client/room_client.h"

// Whether a model does what this server needs of it: the room's own answers to a fixed set of
// requests. Nothing of it depends on what the model knows.
namespace casemate::app {

enum class Finding : std::uint8_t {
  kGood = 1,
  kWarning = 2,  // it works, and somebody should know
  kBad = 3,      // something that clients use does not work
};
std::string_view FindingName(Finding finding);  // "good", "warning", "bad"

struct ModelFinding {
  std::string id;  // stable: "template", "stop", "json", ...
  Finding finding = Finding::kGood;
  std::string what;    // one line
  std::string remedy;  // empty when good
};

// What was measured on this machine, with nothing else running in the room.
struct ModelSpeed {
  double prompt_tokens_per_s = 0;
  double answer_tokens_per_s = 0;  // one stream
  double texts_per_s = 0;          // of an embedding model
  std::uint32_t context_tokens = 0;
};

struct ModelReport {
  std::vector<ModelFinding> findings;
  ModelSpeed speed;
  Finding worst() const;
};

// Asks `room`, whose model was started for chat with `context_tokens`: the template renders, also
// with a system message and with functions; answers end by themselves; JSON by a schema parses;
// two greedy answers are the same; a prompt that fills the context is answered and one that is
// longer refused. Errors: kUnavailable: the room died.
[[nodiscard]] Result<ModelReport> CheckChatModel(inference::RoomClient& room,
                                                 std::uint32_t context_tokens);

// The same of an embedding model: vectors of one size and unit length, the same for the same text,
// different for different texts; the speed. Errors: kUnavailable.
[[nodiscard]] Result<ModelReport> CheckEmbeddingModel(inference::RoomClient& room);

}  // namespace casemate::app
