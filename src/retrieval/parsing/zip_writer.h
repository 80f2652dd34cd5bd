#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// For tests: a ZIP archive whose entries are stored as they are (APPNOTE.TXT, sections 4.3.7 to
// 4.3.16).
namespace casemate::retrieval {

inline std::uint32_t Crc32(const std::string& bytes) {
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int i = 0; i < 8; ++i) {
      crc = crc >> 1U ^ (0xEDB88320U & (0U - (crc & 1U)));
    }
  }
  return ~crc;
}

inline std::string Little(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) {
    out += static_cast<char>(value >> static_cast<unsigned>(8 * i) & 0xFFU);
  }
  return out;
}

// `flags`: 1 says that entries are encrypted.
inline std::string MakeZip(const std::vector<std::pair<std::string, std::string>>& entries,
                           std::uint16_t flags = 0) {
  std::string out;
  std::string directory;
  for (const auto& [name, content] : entries) {
    const std::string facts = Little(flags, 2) + Little(0, 2) + Little(0, 4) +
                              Little(Crc32(content), 4) + Little(content.size(), 4) +
                              Little(content.size(), 4) + Little(name.size(), 2) + Little(0, 2);
    directory += "PK\1\2" + Little(20, 2) + Little(20, 2) + facts + Little(0, 2) + Little(0, 2) +
                 Little(0, 2) + Little(0, 4) + Little(out.size(), 4) + name;
    out += "PK\3\4" + Little(20, 2) + facts + name + content;
  }
  return out + directory + "PK\5\6" + Little(0, 4) + Little(entries.size(), 2) +
         Little(entries.size(), 2) + Little(directory.size(), 4) + Little(out.size(), 4) +
         Little(0, 2);
}

}  // namespace casemate::retrieval
