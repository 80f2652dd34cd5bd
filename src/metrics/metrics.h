#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

// Numbers about the running process: counters, gauges and histograms, in the words of Prometheus.
// Each process counts for itself; the front gathers (metrics/messages.h). Names, help and labels
// are literals of the code. A label's value is a literal too, or a name from the operator's own
// configuration: there is no way from a string at run time into a label, so that nothing a client
// sent (a user, key, file, collection, prompt) can stand in one. Threads: all members may be called
// at any time. docs/operations.md lists every family.
namespace casemate::metrics {

enum class Type : std::uint8_t { kCounter = 1, kGauge = 2, kHistogram = 3 };

class LabelValue {
 public:
  consteval LabelValue(const char* literal) : text_(literal) {}
  // A name that stands in the code although a function returns it: an error code's, a rule's.
  static LabelValue FromCode(std::string_view name) { return LabelValue(name, 0); }
  // A model's name, a TLS group: chosen by the operator. At most 64 bytes of it are taken.
  static LabelValue FromConfiguration(std::string_view name) { return LabelValue(name, 0); }

  std::string_view text() const { return text_; }

 private:
  LabelValue(std::string_view text, int) : text_(text) {}
  std::string_view text_;
};
using LabelValues = std::initializer_list<LabelValue>;

// Upper ends of a histogram's buckets, in seconds; above the last is +Inf.
inline constexpr double kSecondsBuckets[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                             0.05,   0.1,   0.25,   0.5,   1,    2.5,
                                             5,      10,    30,     60,    120,  300};
inline constexpr std::size_t kBuckets = std::size(kSecondsBuckets) + 1;
// Label combinations of one family; further ones are counted under "other".
inline constexpr std::size_t kMaxSeries = 512;

// One combination of label values.
struct Series {
  std::vector<std::string> values;     // in the order of the family's labels
  double value = 0;                    // counters and gauges; the sum of a histogram
  std::vector<std::uint64_t> buckets;  // histograms: kBuckets counts, not cumulative
  static void Fields(auto& m, auto& v) {
    v(m.values);
    v(m.value);
    v(m.buckets);
  }
};
struct FamilySnapshot {
  std::string name;
  std::string help;
  Type type = Type::kCounter;
  std::vector<std::string> labels;
  std::vector<Series> series;
  static void Fields(auto& m, auto& v) {
    v(m.name);
    v(m.help);
    v(m.type);
    v(m.labels);
    v(m.series);
  }
};
struct Snapshot {
  std::vector<FamilySnapshot> families;
  static void Fields(auto& m, auto& v) { v(m.families); }
};

// What the three kinds share. Made once, at namespace scope of the file that counts; registers
// itself and stays until the process ends.
class Family {
 public:
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  FamilySnapshot Read() const;

 protected:
  Family(Type type, const char* name, const char* help, std::initializer_list<const char*> labels);
  ~Family();
  // With mutex_ held.
  Series& Find(LabelValues values);

  mutable std::mutex mutex_;  // guards series_

 private:
  const Type type_;
  const char* name_;
  const char* help_;
  const std::vector<const char*> labels_;
  std::map<std::vector<std::string>, Series> series_;
};

class Counter : public Family {
 public:
  // `name` ends in "_total".
  Counter(const char* name, const char* help, std::initializer_list<const char*> labels = {})
      : Family(Type::kCounter, name, help, labels) {}
  void Add(LabelValues values = {}, std::uint64_t count = 1);
};

class Gauge : public Family {
 public:
  Gauge(const char* name, const char* help, std::initializer_list<const char*> labels = {})
      : Family(Type::kGauge, name, help, labels) {}
  void Set(double value, LabelValues values = {});
  void Add(double change, LabelValues values = {});
};

class Histogram : public Family {
 public:
  // `name` ends in "_seconds".
  Histogram(const char* name, const char* help, std::initializer_list<const char*> labels = {})
      : Family(Type::kHistogram, name, help, labels) {}
  void Observe(double seconds, LabelValues values = {});
};

// Sets gauges that are only worth reading when somebody asks: `read` runs before each snapshot, as
// long as this lives; the destructor waits for one that runs.
class Collector {
 public:
  explicit Collector(std::function<void()> read);
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
};

// Everything that this process has counted; families without a series are left out, except those
// without labels, which stand at 0 from the start.
Snapshot Read();

}  // namespace casemate::metrics
