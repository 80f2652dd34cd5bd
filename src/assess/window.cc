#include "assess/window.h"

namespace casemate::assess {
namespace {

std::string SeatText(const Pipeline& pipeline, std::size_t party) {
  return pipeline.ValueText(party, RequireField(Kind::kParty, "seat"));
}

// A word field that says anything but that it is off.
bool Happens(const Pipeline& pipeline, std::size_t element, std::string_view field) {
  const Fact& fact = pipeline.fact(element, RequireField(Kind::kProcessor, field));
  return !fact.known || pipeline.ValueText(element, RequireField(Kind::kProcessor, field)) != "off";
}

std::vector<std::string> WhatIsThere(const Pipeline& pipeline, std::size_t element) {
  std::vector<std::string> what;
  if (pipeline.element(element).kind == Kind::kStore) {
    const Fact& holds = pipeline.fact(element, RequireField(Kind::kStore, "holds"));
    const Field& field = InfoOf(Kind::kStore).fields[RequireField(Kind::kStore, "holds")];
    for (const std::int32_t value : holds.values) {
      what.emplace_back(field.words[static_cast<std::size_t>(value)]);
    }
    if (!holds.known) {
      what.emplace_back("unknown");
    }
    return what;
  }
  const std::size_t to = RequireField(Kind::kHop, "to");
  for (const Element& hop : pipeline.elements()) {
    if (hop.kind == Kind::kHop && hop.facts[to].known &&
        hop.facts[to].values[0] == static_cast<std::int32_t>(element)) {
      what.emplace_back("tls-end");
      break;
    }
  }
  what.emplace_back("buffers");
  for (const std::string_view field : {"prefix_cache", "swap", "crash_dumps", "snapshots",
                                       "live_migration", "content_logs", "review"}) {
    if (Happens(pipeline, element, field)) {
      what.emplace_back(field);
    }
  }
  return what;
}

}  // namespace

std::vector<WindowPlace> WindowOf(const Pipeline& pipeline) {
  std::vector<WindowPlace> window;
  for (std::size_t i = 0; i < pipeline.elements().size(); ++i) {
    const Element& element = pipeline.element(i);
    if (element.kind != Kind::kProcessor && element.kind != Kind::kStore) {
      continue;
    }
    if (element.kind == Kind::kProcessor &&
        pipeline.ValueText(i, RequireField(Kind::kProcessor, "sees")) == "ciphertext") {
      continue;
    }
    WindowPlace place{.element = element.id,
                      .kind = element.kind,
                      .title = element.id,
                      .operated_by = "unknown",
                      .seat = "unknown",
                      .parent_seat = "unknown",
                      .label = pipeline.labels()[pipeline.LabelOf(i)],
                      .what = WhatIsThere(pipeline, i)};
    const Fact& title = element.facts[RequireField(element.kind, "title")];
    if (title.known) {
      place.title = title.text;
    }
    const Fact& runs = element.facts[RequireField(element.kind, "operator")];
    if (runs.known) {
      const auto party = static_cast<std::size_t>(runs.values[0]);
      place.operated_by = pipeline.element(party).id;
      place.seat = SeatText(pipeline, party);
      const Fact& parent = pipeline.fact(party, RequireField(Kind::kParty, "parent"));
      if (parent.known) {
        place.parent_seat = parent.is_none()
                                ? "none"
                                : SeatText(pipeline, static_cast<std::size_t>(parent.values[0]));
      }
    }
    if (element.kind == Kind::kProcessor) {
      const Fact& tee = element.facts[RequireField(Kind::kProcessor, "tee")];
      place.in_tee = tee.known && !tee.is_none();
    }
    window.push_back(std::move(place));
  }
  return window;
}

}  // namespace casemate::assess
