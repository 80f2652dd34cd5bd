#include "metrics/exposition.h"

#include <array>
#include <charconv>

namespace casemate::metrics {
namespace {

std::string Number(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return std::string(text.data(), error == std::errc() ? end : text.data());
}

// A bucket's end; OpenMetrics wants a fraction also where there is none ("1.0").
std::string Bound(double value) {
  std::string text = Number(value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

// Help: backslash and line feed; label values: the quote too. What is no printable ASCII becomes a
// question mark.
std::string Escaped(std::string_view text, bool quote) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || (quote && c == '"')) {
      out += '\\';
      out += c;
    } else {
      out += c >= ' ' && c < 127 ? c : '?';
    }
  }
  return out;
}

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kCounter:
      return "counter";
    case Type::kGauge:
      return "gauge";
    case Type::kHistogram:
      return "histogram";
  }
  return "untyped";
}

// "{a=\"1\",le=\"0.5\"}", or nothing.
std::string Labels(const FamilySnapshot& family, const Series& series, std::string_view le) {
  std::string out;
  for (std::size_t i = 0; i < family.labels.size(); ++i) {
    out += (out.empty() ? "{" : ",") + family.labels[i] + "=\"" + Escaped(series.values[i], true) +
           "\"";
  }
  if (!le.empty()) {
    out += (out.empty() ? "{" : ",") + ("le=\"" + std::string(le) + "\"");
  }
  return out.empty() ? out : out + "}";
}

void WriteHistogram(const FamilySnapshot& family, const Series& series, std::string& out) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    count += series.buckets[i];
    const std::string le = i + 1 < kBuckets ? Bound(kSecondsBuckets[i]) : "+Inf";
    out +=
        family.name + "_bucket" + Labels(family, series, le) + " " + std::to_string(count) + "\n";
  }
  const std::string labels = Labels(family, series, {});
  out += family.name + "_sum" + labels + " " + Number(series.value) + "\n";
  out += family.name + "_count" + labels + " " + std::to_string(count) + "\n";
}

}  // namespace

Format FormatFor(std::string_view accept) {
  constexpr std::string_view kWanted = "application/openmetrics-text";
  while (!accept.empty()) {
    const std::string_view one = accept.substr(0, accept.find(','));
    accept.remove_prefix(std::min(accept.size(), one.size() + 1));
    const std::size_t begin = one.find_first_not_of(" \t");
    if (begin == std::string_view::npos || !one.substr(begin).starts_with(kWanted)) {
      continue;
    }
    const std::string_view after = one.substr(begin + kWanted.size());
    const bool refused =
        after.find("q=0") != std::string_view::npos && after.find("q=0.") == std::string_view::npos;
    if ((after.empty() || after.front() == ';' || after.front() == ' ') && !refused) {
      return Format::kOpenMetrics;
    }
  }
  return Format::kText;
}

std::string_view ContentType(Format format) {
  return format == Format::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

std::string Write(const std::vector<FamilySnapshot>& families, Format format) {
  constexpr std::string_view kTotal = "_total";
  std::string out;
  for (const FamilySnapshot& family : families) {
    // OpenMetrics names a counter's family without the suffix that its samples have.
    std::string name = family.name;
    if (format == Format::kOpenMetrics && family.type == Type::kCounter && name.ends_with(kTotal)) {
      name.resize(name.size() - kTotal.size());
    }
    out += "# HELP " + name + " " + Escaped(family.help, format == Format::kOpenMetrics) + "\n";
    out += "# TYPE " + name + " " + std::string(TypeName(family.type)) + "\n";
    for (const Series& series : family.series) {
      if (family.type == Type::kHistogram) {
        WriteHistogram(family, series, out);
      } else {
        out += family.name + Labels(family, series, {}) + " " + Number(series.value) + "\n";
      }
    }
  }
  return format == Format::kOpenMetrics ? out + "# EOF\n" : out;
}

}  // namespace casemate::metrics
