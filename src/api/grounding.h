#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "inference/client/room_client.h"
#include "inference/messages.h"
#include "retrieval/library.h"
#include "secmem/plaintext.h"

namespace casemate::api {

// How passages go into a prompt. The form is the one the shipped model was trained on:
//   Answer from the documents.
//   [1] first passage
//   [2] second passage
// as the system message, one line a passage. Passages are content: the room never reads special
// tokens in them, and a passage cannot start a line, so it cannot pass for another one's number.
struct GroundingOptions {
  std::uint32_t context_tokens = 0;   // of the model
  std::uint32_t answer_tokens = 96;   // kept free for the answer, at most a third of the context
  std::uint32_t passage_tokens = 60;  // a passage gets this much, more where the context has it
  std::size_t max_passages = 3;       // more of them distract a small model
};

struct Grounded {
  std::vector<inference::ChatMessage> messages;
  std::vector<std::size_t> passages;  // passage [n] is hits[passages[n - 1]]
  std::vector<Plaintext> lines;       // passage [n] as the prompt has it
};

// The conversation with `lines` as passages: the system messages joined into the first one, the
// passages after them. Nothing else changes.
std::vector<inference::ChatMessage> WithPassages(
    const std::vector<inference::ChatMessage>& conversation, const std::vector<Plaintext>& lines);

inference::ChatMessage Copied(const inference::ChatMessage& message);

// `conversation` ends with the question and stays as it is; system messages in it are put before
// the passages. No passage fits: `passages` is empty. Errors: as RoomClient::CountTokens.
[[nodiscard]] Result<Grounded> AssemblePrompt(
    inference::RoomClient& room, const std::vector<retrieval::SearchHit>& hits,
    const std::vector<inference::ChatMessage>& conversation, PlaintextView question,
    const GroundingOptions& options);

// The passages that "[n]" in `answer` names, each once, in order of appearance, from 0. Numbers
// that no passage has are left out.
std::vector<std::size_t> FindCitations(PlaintextView answer, std::size_t passages);

// A hit as one line: "term: explanation" where its nearest heading is a term that the question
// names, "name: what it is. text" where the heading is of the form "name — what it is"; else the
// text. That is the form in which the shipped model learned to read definitions.
Plaintext PassageLine(PlaintextView heading_path, PlaintextView text, PlaintextView question);

// Runs of white space become one space; none at the ends.
Plaintext OneLine(PlaintextView text);

// Sentences of one line, as views: after ". ", "! ", "? ".
std::vector<PlaintextView> Sentences(PlaintextView line);

}  // namespace casemate::api
