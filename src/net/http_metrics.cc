#include "metrics/metrics.h"
#include "net/http_metrics_internal.h"

namespace casemate::net {
namespace {

using metrics::LabelValue;

metrics::Counter handshakes("casemate_tls_handshakes_total",
                            "TLS handshakes done, by key agreement", {"group"});
metrics::Counter refused_handshakes("casemate_tls_handshakes_refused_total",
                                    "TLS handshakes that did not come about, by reason",
                                    {"reason"});
metrics::Counter requests("casemate_requests_total",
                          "Requests answered, by route template and class of the status",
                          {"route", "status"});
metrics::Histogram durations("casemate_request_duration_seconds",
                             "From the head of a request to the last byte of its answer",
                             {"route"});
metrics::Histogram first_bytes("casemate_request_first_byte_seconds",
                               "From the head of a request to the first piece of a body",
                               {"route"});
metrics::Gauge in_flight("casemate_requests_in_flight", "Requests that keepers work on");
metrics::Counter refusals("casemate_requests_refused_total",
                          "Requests that the front answered with an error itself, by reason",
                          {"reason"});

double Seconds(Elapsed elapsed) { return std::chrono::duration<double>(elapsed).count(); }

LabelValue StatusClass(std::uint16_t status) {
  switch (status / 100) {
    case 1:
    case 2:
      return "2xx";
    case 3:
      return "3xx";
    case 4:
      return "4xx";
    default:
      return "5xx";
  }
}

LabelValue Reason(std::uint16_t status, std::string_view code) {
  if (!code.empty()) {
    return LabelValue::FromCode(code);  // a literal of connection.cc
  }
  switch (status) {
    case 400:
      return "malformed";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 408:
      return "too_slow";
    case 413:
    case 431:
      return "too_large";
    default:
      return status >= 500 ? LabelValue("unavailable") : LabelValue("other");
  }
}

}  // namespace

void CountHandshake(std::string_view group) {
  handshakes.Add({LabelValue::FromConfiguration(group)});
}

void CountRefusedHandshake(std::string_view reason) {
  refused_handshakes.Add({LabelValue::FromCode(reason)});
}

void CountRequest(std::string_view route, std::uint16_t status, Elapsed elapsed) {
  requests.Add({LabelValue::FromCode(route), StatusClass(status)});
  durations.Observe(Seconds(elapsed), {LabelValue::FromCode(route)});
}

void CountFirstByte(std::string_view route, Elapsed elapsed) {
  first_bytes.Observe(Seconds(elapsed), {LabelValue::FromCode(route)});
}

void CountInFlight(int change) { in_flight.Add(change); }

void CountRefusal(std::uint16_t status, std::string_view code) {
  refusals.Add({Reason(status, code)});
}

}  // namespace casemate::net
