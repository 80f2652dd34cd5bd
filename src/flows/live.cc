#include "flows/live.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "flows/report.h"
#include "json/reader.h"

namespace casemate::flows {
namespace {

constexpr std::size_t kMaxPageBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxText = 8192;

// Takes fields of one object. The first that does not fit is remembered, the rest come out empty.
class Fields {
 public:
  Fields(const json::Value& object, Result<void>& state) : object_(object), state_(state) {}
  std::string Text(std::string_view key, bool may_lack = false) {
    const std::optional<json::Value> value = object_.GetSet(key);
    if (!value) {
      if (!may_lack) {
        Note(object_.Require(key));
      }
      return {};
    }
    const Result<PlaintextView> text = value->AsString();
    Note(text);
    // Names of algorithms, addresses and certificates: public, and shown to the operator.
    return text && text->size() <= kMaxText ? Shown(text->Reveal()) : std::string();
  }
  std::int64_t Number(std::string_view key) {
    const Result<std::int64_t> number =
        object_.Require(key).and_then([](const json::Value& value) { return value.AsInteger(); });
    Note(number);
    return number.value_or(0);
  }

 private:
  // A peer's certificate may say anything; a terminal must not obey it.
  static std::string Shown(std::string_view text) {
    std::string out(text);
    std::ranges::replace_if(out, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return out;
  }
  template <typename T>
  void Note(const Result<T>& result) {
    if (!result && state_) {
      state_ = std::unexpected(result.error());
    }
  }
  const json::Value& object_;
  Result<void>& state_;
};

std::string CertificateLine(const json::Value& certificate, Result<void>& state) {
  Fields fields(certificate, state);
  const bool own =
      certificate.Get("own")
          .transform([](const json::Value& value) { return value.AsBool().value_or(false); })
          .value_or(false);
  const std::string key = fields.Text("public_key");
  const std::string signature = fields.Text("signature");
  return std::string(own ? "ours: " : "theirs: ") + fields.Text("subject") + ", " + key +
         ", signed " + signature + " by " + fields.Text("issuer") + ", until " +
         TimeText(fields.Number("not_after")).substr(0, 10) + ", SHA-256 " +
         fields.Text("sha256").substr(0, 16);
}

LiveHop ReadHop(const json::Value& value, Result<void>& state) {
  Fields fields(value, state);
  LiveHop hop{.hop = fields.Text("hop"),
              .peer = fields.Text("peer"),
              .direction = fields.Text("direction"),
              .transport = fields.Text("transport"),
              .verdict = fields.Text("verdict"),
              .group = fields.Text("group", true),
              .version = fields.Text("version", true),
              .minimum = fields.Text("minimum", true),
              .certificate = {},
              .connections = fields.Number("connections"),
              .open = fields.Number("open"),
              .bytes_in = fields.Number("bytes_in"),
              .bytes_out = fields.Number("bytes_out"),
              .first_seen = fields.Number("first_seen"),
              .last_seen = fields.Number("last_seen")};
  if (const std::optional<json::Value> certificate = value.GetSet("certificate")) {
    hop.certificate = CertificateLine(*certificate, state);
  }
  return hop;
}

LiveRefusal ReadRefusal(const json::Value& value, Result<void>& state) {
  Fields fields(value, state);
  return {.hop = fields.Text("hop"),
          .peer = fields.Text("peer"),
          .reason = fields.Text("reason"),
          .detail = fields.Text("detail"),
          .offered = fields.Text("offered_groups"),
          .count = fields.Number("count"),
          .first_seen = fields.Number("first_seen"),
          .last_seen = fields.Number("last_seen")};
}

std::vector<json::Value> List(const json::Value& object, std::string_view key) {
  const std::optional<json::Value> list = object.GetSet(key);
  return list ? list->Elements() : std::vector<json::Value>();
}

// What makes two rows the same hop.
std::string KeyOf(const LiveHop& hop) {
  return hop.hop + '\n' + hop.peer + '\n' + hop.direction + '\n' + hop.transport + '\n' +
         hop.group + '\n' + hop.version + '\n' + hop.minimum + '\n' + hop.certificate;
}
std::string KeyOf(const LiveRefusal& refusal) {
  return refusal.hop + '\n' + refusal.peer + '\n' + refusal.reason;
}

}  // namespace

Result<LiveHops> ReadLiveHops(PlaintextView json) {
  Result<json::Document> document = json::Document::Parse(json, {.max_bytes = kMaxPageBytes});
  if (!document) {
    return std::unexpected(document.error());
  }
  const json::Value root = document->root();
  Result<void> state;
  Fields fields(root, state);
  if (fields.Text("report") != "casemate-hops" || fields.Number("format") != 1) {
    return Fail(ErrorCode::kInvalidArgument, "expected a hop table of format 1");
  }
  LiveHops hops{.since = fields.Number("since"),
                .time = fields.Number("time"),
                .minimum = fields.Text("minimum"),
                .classical_from = {},
                .hops = {},
                .refused = {},
                .channels = {}};
  for (const json::Value& peer : List(root, "classical_from")) {
    hops.classical_from.push_back(peer.AsName().value_or("?"));
  }
  for (const json::Value& hop : List(root, "hops")) {
    hops.hops.push_back(ReadHop(hop, state));
  }
  for (const json::Value& refusal : List(root, "refused")) {
    hops.refused.push_back(ReadRefusal(refusal, state));
  }
  for (const json::Value& channel : List(root, "channels")) {
    const std::vector<json::Value> ends = channel.Elements();
    if (ends.size() == 2) {
      hops.channels.emplace_back(ends[0].AsName().value_or("?"), ends[1].AsName().value_or("?"));
    }
  }
  if (const std::optional<json::Value> forgotten = root.GetSet("forgotten")) {
    Fields counts(*forgotten, state);
    hops.forgotten_hops = counts.Number("hops");
    hops.forgotten_refusals = counts.Number("refused");
  }
  return state ? Result<LiveHops>(std::move(hops)) : std::unexpected(state.error());
}

std::vector<std::string> Changes(const LiveHops& before, const LiveHops& now) {
  std::map<std::string, std::int64_t> counts;
  for (const LiveHop& hop : before.hops) {
    counts["h" + KeyOf(hop)] = hop.connections;
  }
  for (const LiveRefusal& refusal : before.refused) {
    counts["r" + KeyOf(refusal)] = refusal.count;
  }
  std::vector<std::string> lines;
  for (const LiveHop& hop : now.hops) {
    const auto known = counts.find("h" + KeyOf(hop));
    const bool fresh = known == counts.end();
    const std::int64_t more = hop.connections - (fresh ? 0 : known->second);
    if (more > 0) {
      lines.push_back(TimeText(hop.last_seen) + "  " + (fresh ? "new hop  " : "again    ") +
                      hop.verdict + "  " + hop.hop + " " + hop.peer + " " +
                      (hop.group.empty() ? hop.transport : hop.group + " " + hop.version) +
                      (more > 1 ? " (" + std::to_string(more) + " connections)" : ""));
    }
  }
  for (const LiveRefusal& refusal : now.refused) {
    const auto known = counts.find("r" + KeyOf(refusal));
    const std::int64_t more = refusal.count - (known == counts.end() ? 0 : known->second);
    if (more > 0) {
      lines.push_back(TimeText(refusal.last_seen) + "  refused  " + refusal.reason + "  " +
                      refusal.hop + " " + refusal.peer +
                      (refusal.offered.empty() ? "" : " offered " + refusal.offered) +
                      (more > 1 ? " (" + std::to_string(more) + " times)" : ""));
    }
  }
  std::ranges::sort(lines);  // they begin with their time
  return lines;
}

}  // namespace casemate::flows
