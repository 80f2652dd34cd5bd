#include "grammar/formats.h"

namespace casemate::grammar {
namespace {

// RFC 3339, section 5.6, with real months and leap years of the Gregorian calendar.
#define CASEMATE_DATE                                        \
  "([1-9][0-9]{3}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])" \
  "|[1-9][0-9]{3}-(0[469]|11)-(0[1-9]|[12][0-9]|30)"         \
  "|[1-9][0-9]{3}-02-(0[1-9]|1[0-9]|2[0-8])"                 \
  "|([1-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29)"
#define CASEMATE_TIME \
  "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
#define CASEMATE_LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define CASEMATE_OCTET "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

struct Format {
  std::string_view name;
  std::string_view pattern;
};

constexpr Format kFormats[] = {
    {"date", "^" CASEMATE_DATE "$"},
    {"time", "^" CASEMATE_TIME "$"},
    {"date-time", "^" CASEMATE_DATE "T" CASEMATE_TIME "$"},
    // ISO 8601 durations as RFC 3339, appendix A, has them.
    {"duration",
     "^P([0-9]{1,4}W|[0-9]{1,4}Y([0-9]{1,2}M([0-9]{1,3}D)?)?|[0-9]{1,4}M([0-9]{1,3}D)?|"
     "[0-9]{1,4}D|([0-9]{1,4}D)?T([0-9]{1,4}H([0-9]{1,2}M([0-9]{1,2}S)?)?|"
     "[0-9]{1,4}M([0-9]{1,2}S)?|[0-9]{1,4}S))$"},
    // RFC 9562, section 4.
    {"uuid", "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
    // A dot-atom of RFC 5322, section 3.2.3, at a host name of two labels at least.
    {"email",
     "^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,32}(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,16}){0,1}@"
     "(" CASEMATE_LABEL "\\.){1,3}[A-Za-z]{2,24}$"},
    // RFC 1123, section 2.1.
    {"hostname", "^(" CASEMATE_LABEL "\\.){0,3}[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"},
    {"ipv4", "^(" CASEMATE_OCTET "\\.){3}" CASEMATE_OCTET "$"},
    // RFC 4291, section 2.2, form 1.
    {"ipv6", "^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$"},
};

#undef CASEMATE_DATE
#undef CASEMATE_TIME
#undef CASEMATE_LABEL
#undef CASEMATE_OCTET

}  // namespace

std::optional<std::string_view> PatternOfFormat(std::string_view format) {
  for (const Format& known : kFormats) {
    if (known.name == format) {
      return known.pattern;
    }
  }
  return std::nullopt;
}

std::string ServedFormats() {
  std::string names;
  for (const Format& known : kFormats) {
    names += (names.empty() ? "'" : ", '") + std::string(known.name) + "'";
  }
  return names;
}

}  // namespace casemate::grammar
