#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "secmem/plaintext.h"

// What the command writes. Plaintext is shown here because its owner asked to see it.
namespace casemate::app {

void PrintLine(std::string_view text);
// One line of JSON.
void PrintJson(PlaintextView json);
// Content of documents and answers: on a terminal control characters are shown as '?', so that a
// document cannot speak to the terminal.
void PrintContent(PlaintextView text);
// "casemate: MESSAGE" to stderr.
void PrintError(const Error& error);
void PrintNote(std::string_view text);  // to stderr

// Columns, as wide as they need to be. Cells are names and numbers; content goes through Clean.
void PrintTable(const std::vector<std::string>& head,
                const std::vector<std::vector<std::string>>& rows);
// Control characters replaced; for cells on a terminal.
std::string Clean(PlaintextView text);

// How far a long ingest is, on stderr: on a terminal a line that is written over, else one every
// few seconds. Threads: one at a time.
class IngestProgress {
 public:
  IngestProgress(std::uint64_t total, std::uint64_t done);
  ~IngestProgress();
  IngestProgress(const IngestProgress&) = delete;
  IngestProgress& operator=(const IngestProgress&) = delete;
  void Advance(bool failed);

 private:
  void Show();

  std::uint64_t total_;
  std::uint64_t done_;
  std::uint64_t before_;  // of those done, the ones that took no time
  std::uint64_t failed_ = 0;
  bool terminal_;
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point shown_;
};

// A bar on stderr when it is a terminal, else nothing.
class Progress {
 public:
  Progress(std::string what, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void Advance();

 private:
  std::string what_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  bool shown_;
};

}  // namespace casemate::app
