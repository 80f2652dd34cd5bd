#include "app/command_output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace casemate::app {
namespace {

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
}

void Write(std::FILE* file, std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), file);
}

}  // namespace

void PrintLine(std::string_view text) {
  Write(stdout, text);
  Write(stdout, "\n");
}

void PrintJson(PlaintextView json) {
  Write(stdout, json.Reveal());
  Write(stdout, "\n");
  (void)std::fflush(stdout);
}

void PrintContent(PlaintextView text) {
  if (::isatty(STDOUT_FILENO) == 0) {
    Write(stdout, text.Reveal());
  } else {
    for (char c : text.Reveal()) {
      (void)std::fputc(IsControl(c) ? '?' : c, stdout);
    }
  }
  (void)std::fflush(stdout);
}

void PrintError(const Error& error) {
  (void)std::fflush(stdout);
  Write(stderr, "casemate: " + error.message);
  if (!error.detail.empty()) {
    Write(stderr, " (" + error.detail + ")");
  }
  Write(stderr, "\n");
}

void PrintNote(std::string_view text) {
  Write(stderr, text);
  Write(stderr, "\n");
}

std::string Clean(PlaintextView text) {
  std::string cell(text.Reveal());
  std::replace_if(cell.begin(), cell.end(), [](char c) { return IsControl(c) || c == '\n'; }, '?');
  return cell;
}

void PrintTable(const std::vector<std::string>& head,
                const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < head.size(); ++column) {
    std::size_t width = head[column].size();
    for (const std::vector<std::string>& row : rows) {
      width = std::max(width, row[column].size());
    }
    widths.push_back(width);
  }
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      line += row[column];
      if (column + 1 < row.size()) {
        line.append(widths[column] - row[column].size() + 2, ' ');
      }
    }
    PrintLine(line);
  };
  print(head);
  for (const std::vector<std::string>& row : rows) {
    print(row);
  }
}

IngestProgress::IngestProgress(std::uint64_t total, std::uint64_t done)
    : total_(total),
      done_(done),
      before_(done),
      terminal_(::isatty(STDERR_FILENO) != 0),
      began_(std::chrono::steady_clock::now()),
      shown_(began_) {}

IngestProgress::~IngestProgress() {
  if (terminal_ && done_ > before_) {
    Write(stderr, "\r\x1b[K");
  }
}

void IngestProgress::Advance(bool failed) {
  ++done_;
  failed_ += failed ? 1 : 0;
  const auto now = std::chrono::steady_clock::now();
  constexpr auto kOften = std::chrono::milliseconds(100);
  constexpr auto kSeldom = std::chrono::seconds(5);
  if (now - shown_ >=
      (terminal_ ? std::chrono::milliseconds(kOften) : std::chrono::milliseconds(kSeldom))) {
    shown_ = now;
    Show();
  }
}

void IngestProgress::Show() {
  const double seconds = std::chrono::duration<double>(shown_ - began_).count();
  const double rate = static_cast<double>(done_ - before_) / std::max(seconds, 0.001);
  const auto left = static_cast<std::uint64_t>(static_cast<double>(total_ - done_) / rate);
  std::string line = std::to_string(done_) + "/" + std::to_string(total_) + " documents, " +
                     std::to_string(static_cast<std::uint64_t>(rate)) + "." +
                     std::to_string(static_cast<std::uint64_t>(rate * 10) % 10) + "/s, " +
                     std::to_string(left / 60) + " min " + std::to_string(left % 60) + " s left";
  line += failed_ > 0 ? ", " + std::to_string(failed_) + " failed" : "";
  Write(stderr, terminal_ ? "\r\x1b[K" + line : "casemate: " + line + "\n");
}

Progress::Progress(std::string what, std::uint64_t total)
    : what_(std::move(what)), total_(total), shown_(::isatty(STDERR_FILENO) != 0 && total > 0) {}

Progress::~Progress() {
  if (shown_ && done_ > 0) {
    Write(stderr, "\n");
  }
}

void Progress::Advance() {
  ++done_;
  if (!shown_) {
    return;
  }
  constexpr std::size_t kWidth = 30;
  const std::size_t filled = static_cast<std::size_t>(done_ * kWidth / total_);
  Write(stderr, "\r" + what_ + " [" + std::string(filled, '#') +
                    std::string(kWidth - std::min(kWidth, filled), '.') + "] " +
                    std::to_string(done_) + "/" + std::to_string(total_));
}

}  // namespace casemate::app
