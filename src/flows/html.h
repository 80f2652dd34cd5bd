#pragma once

#include <string>
#include <string_view>

#include "base/html_text.h"

// Pages that stand alone: no script, no font, no picture from elsewhere, and a policy that says so.
namespace casemate::flows {

// Up to and with <body>. `title` is escaped here.
std::string BeginPage(std::string_view title);
std::string EndPage();

}  // namespace casemate::flows
