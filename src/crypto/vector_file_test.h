#pragma once

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace casemate::crypto {

// One test of a file that tests/vectors/flatten.py wrote.
struct Vector {
  std::map<std::string, std::string> fields;

  const std::string& Text(const std::string& name) const { return fields.at(name); }
  Bytes Hex(const std::string& name) const { return FromHex(Text(name)).value(); }
  bool Has(const std::string& name) const { return fields.contains(name); }
  bool valid() const { return Text("result") == "valid"; }
};

inline std::vector<Vector> ReadVectors(const std::string& file) {
  std::ifstream in(CASEMATE_VECTORS "/" + file);
  std::vector<Vector> vectors;
  Vector next;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) {
      vectors.push_back(std::move(next));
      next = {};
      continue;
    }
    const std::size_t equals = line.find('=');
    next.fields[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return vectors;
}

}  // namespace casemate::crypto
