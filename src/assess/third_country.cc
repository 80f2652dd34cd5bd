#include "assess/third_country.h"

#include <algorithm>

namespace casemate::assess {
namespace {

class Finder {
 public:
  Finder(const Pipeline& pipeline, const RegisterTable& table)
      : pipeline_(pipeline), table_(table) {}

  void Look(const std::string& place, std::size_t party) {
    Add(place, party, ThirdCountry::Role::kOperator);
    const Fact& parent = pipeline_.fact(party, RequireField(Kind::kParty, "parent"));
    if (parent.known && !parent.is_none()) {
      Add(place, static_cast<std::size_t>(parent.values[0]), ThirdCountry::Role::kParent);
    }
    AddAll(place, party, "affiliates", "affiliates_can_obtain", "no",
           ThirdCountry::Role::kAffiliate);
    AddAll(place, party, "sub_processors", "sub_processors_see", "ciphertext",
           ThirdCountry::Role::kSubProcessor);
  }

  std::vector<ThirdCountry> Take() { return std::move(found_); }

 private:
  // The parties that `field` names, unless `condition` says that they get nothing.
  void AddAll(const std::string& place, std::size_t party, std::string_view field,
              std::string_view condition, std::string_view nothing, ThirdCountry::Role role) {
    const Fact& parties = pipeline_.fact(party, RequireField(Kind::kParty, field));
    if (!parties.known || parties.is_none() ||
        pipeline_.ValueText(party, RequireField(Kind::kParty, condition)) == nothing) {
      return;
    }
    for (const std::int32_t one : parties.values) {
      Add(place, static_cast<std::size_t>(one), role);
    }
  }

  void Add(const std::string& place, std::size_t party, ThirdCountry::Role role) {
    std::string seat = pipeline_.ValueText(party, RequireField(Kind::kParty, "seat"));
    if (party != pipeline_.you() && std::ranges::find(table_.eea, seat) == table_.eea.end()) {
      found_.push_back({.place = place, .party = party, .seat = std::move(seat), .role = role});
    }
  }

  const Pipeline& pipeline_;
  const RegisterTable& table_;
  std::vector<ThirdCountry> found_;
};

}  // namespace

std::vector<ThirdCountry> ThirdCountries(const Pipeline& pipeline, const Assessment& assessment,
                                         const RegisterTable& table) {
  Finder finder(pipeline, table);
  for (const WindowPlace& place : assessment.window) {
    if (place.kind != Kind::kProcessor) {
      continue;
    }
    if (const std::optional<std::size_t> party = pipeline.Find(place.operated_by)) {
      finder.Look(place.element, *party);
    }
  }
  return finder.Take();
}

}  // namespace casemate::assess
