#include "flows/html.h"

namespace casemate::flows {
namespace {

constexpr std::string_view kStyle =
    "body{font:16px/1.45 system-ui,sans-serif;max-width:66rem;margin:2rem auto;padding:0 1rem;"
    "color:#1c2733}svg{width:100%;height:auto}svg text{font:14px system-ui,sans-serif}"
    "svg .hop{font-size:12px}svg .mid{text-anchor:middle}svg .end{text-anchor:end}"
    "svg .box{fill:#f4f6f8;stroke:#9aa7b2}td b{white-space:nowrap}"
    "table{border-collapse:collapse;width:100%;margin-bottom:1.5rem}td,th{text-align:left;"
    "vertical-align:top;overflow-wrap:break-word;padding:.4rem .6rem;border-bottom:1px solid "
    "#d6dde3}"
    "small{color:#52616f}blockquote{border-left:3px solid #9aa7b2;margin:0;padding:0 1rem}"
    "pre{background:#f4f6f8;padding:.8rem;overflow:auto}@media print{body{margin:0}}";

}  // namespace

std::string BeginPage(std::string_view title) {
  const std::string escaped = EscapeHtml(title);
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width\">"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'unsafe-inline'\"><title>" +
         escaped + "</title><style>" + std::string(kStyle) + "</style></head><body>\n<h1>" +
         escaped + "</h1>\n";
}

std::string EndPage() { return "</body></html>\n"; }

}  // namespace casemate::flows
