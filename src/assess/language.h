#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace casemate::assess {

// The words of reports in one language, from data/texts.
class Language {
 public:
  // "en" or "de". Errors: kInvalidArgument, kNotFound: no such language.
  [[nodiscard]] static Result<Language> BuiltIn(std::string_view code);

  const std::string& code() const { return code_; }
  // The text of that name; the name itself where there is none, so that it is seen.
  std::string Get(std::string_view name) const;
  // The same with each {} replaced, one after the other.
  std::string Fill(std::string_view name, std::initializer_list<std::string_view> values) const;
  std::vector<std::string> Names() const;

 private:
  std::string code_;
  std::map<std::string, std::string, std::less<>> texts_;
};

}  // namespace casemate::assess
