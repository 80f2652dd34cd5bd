// Speeds of single parts, one core: casemate_bench_micro seal|open|small|hnsw ... prints JSON, one
// line a measurement. bench.py pairs them with what they are compared to.
#include <hnswlib/hnswlib.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "crypto/init.h"
#include "crypto/seal.h"
#include "retrieval/vector_index.h"
#include "secmem/key.h"

namespace {

using namespace casemate;  // NOLINT: the whole file is one program
using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Runs `once` (which handles `units`) for at least `seconds`; units per second.
template <typename Once>
double Rate(double seconds, double units, Once once) {
  once();  // warm
  double done = 0;
  const Clock::time_point begin = Clock::now();
  while (SecondsSince(begin) < seconds) {
    once();
    done += units;
  }
  return done / SecondsSince(begin);
}

void Print(const char* name, double value) { std::printf("{\"%s\": %.6g}\n", name, value); }

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "%s failed\n", what);
  std::exit(1);
}

class MemorySource : public crypto::SealSource {
 public:
  explicit MemorySource(ByteView bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> ReadAt(std::uint64_t offset, std::span<std::byte> out) override {
    std::ranges::copy(bytes_.subspan(offset, out.size()), out.begin());
    return {};
  }

 private:
  ByteView bytes_;
};

void Seals(double seconds) {
  constexpr std::size_t kPiece = std::size_t{256} << 10;
  constexpr std::size_t kLarge = std::size_t{64} << 20;
  const Key key = *Key::Random();
  const Bytes context(16, std::byte{7});
  const Plaintext piece = Plaintext::Zeroed(kPiece);
  Bytes out;
  Print("seal_stream_bytes_per_s", Rate(seconds, static_cast<double>(kLarge), [&] {
          crypto::SealWriter writer = *crypto::SealWriter::Begin(key, context, kLarge);
          for (std::size_t at = 0; at < kLarge; at += kPiece) {
            out.clear();
            if (!writer.Write(piece, out)) {
              Die("seal");
            }
          }
          out.clear();
          (void)writer.Finish(out);
        }));
  const Plaintext large = Plaintext::Zeroed(kLarge);
  Print("seal_memory_bytes_per_s", Rate(seconds, static_cast<double>(kLarge), [&] {
          if (!crypto::Seal(key, context, large)) {
            Die("seal");
          }
        }));
  const Bytes sealed = *crypto::Seal(key, context, large);
  Print("open_memory_bytes_per_s", Rate(seconds, static_cast<double>(kLarge), [&] {
          if (!crypto::Open(key, context, sealed)) {
            Die("open");
          }
        }));
  Print("open_stream_bytes_per_s", Rate(seconds, static_cast<double>(kLarge), [&] {
          crypto::SealReader reader =
              *crypto::SealReader::Begin(key, context, std::make_unique<MemorySource>(sealed));
          for (std::size_t at = 0; at < kLarge; at += kPiece) {
            if (!reader.Read(at, kPiece)) {
              Die("open");
            }
          }
        }));
  for (const std::size_t size : {std::size_t{1024}, std::size_t{4096}}) {
    const Bytes small = *crypto::Seal(key, context, Plaintext::Zeroed(size));
    const std::string name = "open_" + std::to_string(size) + "_objects_per_s";
    Print(name.c_str(), Rate(seconds, 1, [&] {
            if (!crypto::Open(key, context, small)) {
              Die("open");
            }
          }));
  }
}

// Vectors in clusters, as embeddings are: uniform ones would make every neighbour alike.
std::vector<float> Vectors(std::size_t count, std::size_t dimensions, std::mt19937& random) {
  std::normal_distribution<float> normal;
  constexpr std::size_t kClusters = 200;
  static std::vector<float> centres;
  if (centres.empty()) {
    for (std::size_t i = 0; i < kClusters * dimensions; ++i) {
      centres.push_back(normal(random));
    }
  }
  std::vector<float> out(count * dimensions);
  for (std::size_t i = 0; i < count; ++i) {
    const float* centre = &centres[random() % kClusters * dimensions];
    double length = 0;
    for (std::size_t d = 0; d < dimensions; ++d) {
      const float value = centre[d] + 0.6F * normal(random);
      out[i * dimensions + d] = value;
      length += static_cast<double>(value) * static_cast<double>(value);
    }
    for (std::size_t d = 0; d < dimensions; ++d) {
      out[i * dimensions + d] /= static_cast<float>(std::sqrt(length));
    }
  }
  return out;
}

void Search(double seconds, std::size_t count) {
  constexpr std::size_t kDimensions = 256;
  constexpr std::size_t kBest = 10;
  constexpr std::size_t kQueries = 200;
  std::mt19937 random(1);
  const std::vector<float> vectors = Vectors(count, kDimensions, random);
  const std::vector<float> queries = Vectors(kQueries, kDimensions, random);
  retrieval::VectorIndex flat(kDimensions);
  for (std::size_t i = 0; i < count; ++i) {
    flat.Add(static_cast<std::int64_t>(i), policy::Label{},
             std::span(vectors).subspan(i * kDimensions, kDimensions));
  }
  std::size_t query = 0;
  const auto next = [&] {
    query = (query + 1) % kQueries;
    return std::span(queries).subspan(query * kDimensions, kDimensions);
  };
  const std::string suffix = "_" + std::to_string(count) + "_queries_per_s";
  Print(("flat" + suffix).c_str(), Rate(seconds, 1, [&] {
          if (flat.Search(next(), policy::Label{}, kBest).size() != kBest) {
            Die("search");
          }
        }));
  hnswlib::InnerProductSpace space(kDimensions);
  hnswlib::HierarchicalNSW<float> graph(&space, count, 16, 200);  // hnswlib's own defaults
  const Clock::time_point begin = Clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    graph.addPoint(&vectors[i * kDimensions], i);
  }
  Print(("hnsw_build_" + std::to_string(count) + "_s").c_str(), SecondsSince(begin));
  for (const std::size_t effort : {std::size_t{16}, std::size_t{64}, std::size_t{200}}) {
    graph.setEf(effort);
    std::size_t found = 0;
    for (std::size_t i = 0; i < kQueries; ++i) {
      const auto one = std::span(queries).subspan(i * kDimensions, kDimensions);
      std::set<std::size_t> right;
      for (const retrieval::Ranked& ranked : flat.Search(one, policy::Label{}, kBest)) {
        right.insert(static_cast<std::size_t>(ranked.row));
      }
      auto best = graph.searchKnn(one.data(), kBest);
      for (; !best.empty(); best.pop()) {
        found += right.count(best.top().second);
      }
    }
    const std::string name = "hnsw_ef" + std::to_string(effort);
    Print((name + "_" + std::to_string(count) + "_recall").c_str(),
          static_cast<double>(found) / (kQueries * kBest));
    Print((name + suffix).c_str(),
          Rate(seconds, 1, [&] { (void)graph.searchKnn(next().data(), kBest); }));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || !crypto::InitCrypto()) {
    std::fprintf(stderr, "usage: casemate_bench_micro seal SECONDS | search SECONDS COUNT\n");
    return 2;
  }
  const double seconds = std::atof(argv[2]);
  if (std::string(argv[1]) == "seal") {
    Seals(seconds);
  } else {
    Search(seconds, argc > 3 ? static_cast<std::size_t>(std::atoll(argv[3])) : 10'000);
  }
  return 0;
}
