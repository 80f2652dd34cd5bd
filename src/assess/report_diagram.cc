#include <algorithm>
#include <map>

#include "assess/report.h"
#include "base/html_text.h"

namespace casemate::assess {
namespace {

constexpr std::size_t kMaxNodes = 40;
constexpr std::size_t kMaxHops = 80;
constexpr int kNodeWidth = 210;
constexpr int kNodeHeight = 46;
constexpr int kStep = 66;
constexpr int kLane = 250;
constexpr int kGap = 150;
constexpr int kTop = 62;
constexpr int kMargin = 16;
constexpr int kPad = 18;  // from a lane's border to its nodes

struct Node {
  std::size_t element = 0;
  bool plaintext = false;
  int x = 0;
  int y = 0;
};
struct Lane {
  std::int32_t party = -1;  // -1: nobody knows who runs it
  std::vector<Node> nodes;
};

std::string Number(int value) { return std::to_string(value); }

std::string Cut(const std::string& text, std::size_t most) {
  if (text.size() <= most) {
    return text;
  }
  std::size_t end = most - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;  // not in the middle of a character
  }
  return text.substr(0, end) + "…";
}

class Drawing {
 public:
  Drawing(const Pipeline& pipeline, const Assessment& assessment, const Language& language)
      : pipeline_(pipeline), assessment_(assessment), language_(language) {}

  std::string Draw() {
    Place();
    if (count_ == 0 || count_ > kMaxNodes || hops_.size() > kMaxHops) {
      return {};
    }
    int lowest = 0;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      int y = kTop + kPad;
      for (Node& node : lanes_[i].nodes) {
        node.x = kMargin + static_cast<int>(i) * (kLane + kGap) + (kLane - kNodeWidth) / 2;
        node.y = y;
        y += kStep;
        at_[node.element] = &node;
      }
      lowest = std::max(lowest, y);
    }
    const int width = 2 * kMargin + static_cast<int>(lanes_.size()) * (kLane + kGap) - kGap + 120;
    const int height = lowest + kMargin;
    std::string svg = "<svg viewBox=\"0 0 " + Number(width) + " " + Number(height) +
                      "\" style=\"max-width:" + Number(width) + "px\" role=\"img\" aria-label=\"" +
                      EscapeHtml(language_.Get("diagram.title")) + "\">\n";
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      svg += DrawLane(lanes_[i], kMargin + static_cast<int>(i) * (kLane + kGap), lowest);
    }
    std::map<std::pair<std::size_t, std::size_t>, int> parallel;
    for (const std::size_t hop : hops_) {
      svg += DrawHop(hop, parallel);
    }
    for (const Lane& lane : lanes_) {
      for (const Node& node : lane.nodes) {
        svg += DrawNode(node);
      }
    }
    return svg + "</svg>\n";
  }

 private:
  // Each operator has a lane, yours first; in it its own machines, then plaintext, then the rest.
  void Place() {
    const std::size_t from = RequireField(Kind::kHop, "from");
    const std::size_t to = RequireField(Kind::kHop, "to");
    const auto add = [&](std::size_t element, std::int32_t party, bool plaintext) {
      auto lane = std::ranges::find(lanes_, party, &Lane::party);
      if (lane == lanes_.end()) {
        lanes_.push_back({.party = party, .nodes = {}});
        lane = lanes_.end() - 1;
      }
      if (std::ranges::find(lane->nodes, element, &Node::element) == lane->nodes.end()) {
        lane->nodes.push_back({.element = element, .plaintext = plaintext});
        ++count_;
      }
    };
    const auto you = static_cast<std::int32_t>(pipeline_.you());
    lanes_.push_back({.party = you, .nodes = {}});
    for (std::size_t i = 0; i < pipeline_.elements().size(); ++i) {
      const Element& element = pipeline_.element(i);
      if (element.kind == Kind::kHop && element.facts[from].known && element.facts[to].known) {
        hops_.push_back(i);
        for (const std::size_t end : {from, to}) {
          const auto target = static_cast<std::size_t>(element.facts[end].values[0]);
          if (pipeline_.element(target).kind == Kind::kParty) {
            add(target, static_cast<std::int32_t>(target), false);
          }
        }
      }
    }
    for (const bool plaintext : {true, false}) {
      for (std::size_t i = 0; i < pipeline_.elements().size(); ++i) {
        const Kind kind = pipeline_.element(i).kind;
        if ((kind == Kind::kProcessor || kind == Kind::kStore) && InWindow(i) == plaintext) {
          const Fact& runs = pipeline_.fact(i, RequireField(kind, "operator"));
          add(i, runs.known ? runs.values[0] : -1, plaintext);
        }
      }
    }
    std::erase_if(lanes_, [](const Lane& lane) { return lane.nodes.empty(); });
  }

  // Whether plaintext is there for whoever runs the place. What is unknown counts.
  bool InWindow(std::size_t element) const {
    const Kind kind = pipeline_.element(element).kind;
    if (kind == Kind::kProcessor) {
      return pipeline_.ValueText(element, RequireField(kind, "sees")) != "ciphertext";
    }
    const std::string sealed = pipeline_.ValueText(element, RequireField(kind, "encryption"));
    const std::string opened = pipeline_.ValueText(element, RequireField(kind, "decrypted_by"));
    return sealed == "none" || sealed == "unknown" || (opened != "service" && opened != "client");
  }

  std::string LaneTitle(const Lane& lane) const {
    if (lane.party < 0) {
      return language_.Get("what.unknown");
    }
    const auto party = static_cast<std::size_t>(lane.party);
    std::string title = party == pipeline_.you() ? language_.Get("diagram.you") + ": " : "";
    const Fact& name = pipeline_.fact(party, RequireField(Kind::kParty, "name"));
    title += name.known ? name.text : pipeline_.element(party).id;
    return title;
  }

  std::string LaneReach(const Lane& lane) const {
    if (lane.party < 0) {
      return {};
    }
    const auto party = static_cast<std::size_t>(lane.party);
    const Fact& parent = pipeline_.fact(party, RequireField(Kind::kParty, "parent"));
    const std::size_t seat = RequireField(Kind::kParty, "seat");
    std::string above = language_.Get("what.unknown");
    if (parent.known) {
      above = parent.is_none()
                  ? language_.Get("element.none")
                  : pipeline_.ValueText(static_cast<std::size_t>(parent.values[0]), seat);
    }
    return language_.Get("window.seat") + " " + pipeline_.ValueText(party, seat) + ", " +
           language_.Get("window.parent") + " " + above;
  }

  std::string DrawLane(const Lane& lane, int x, int lowest) const {
    const bool yours = lane.party == static_cast<std::int32_t>(pipeline_.you());
    std::string svg = "<rect x=\"" + Number(x) + "\" y=\"" + Number(kTop - 8) + "\" width=\"" +
                      Number(kLane) + "\" height=\"" + Number(lowest - kTop) +
                      "\" rx=\"10\" class=\"" + (yours ? "lane yours" : "lane") + "\"/>";
    svg += "<text x=\"" + Number(x + 4) + "\" y=\"24\" class=\"who\">" +
           EscapeHtml(Cut(LaneTitle(lane), 34)) + "</text><text x=\"" + Number(x + 4) +
           "\" y=\"44\" class=\"small\">" + EscapeHtml(LaneReach(lane)) + "</text>\n";
    const Node* first = nullptr;
    const Node* last = nullptr;
    for (const Node& node : lane.nodes) {
      if (node.plaintext) {
        first = first == nullptr ? &node : first;
        last = &node;
      }
    }
    if (first != nullptr) {
      svg += "<rect x=\"" + Number(x + 8) + "\" y=\"" + Number(first->y - 14) + "\" width=\"" +
             Number(kLane - 16) + "\" height=\"" + Number(last->y + kNodeHeight + 20 - first->y) +
             "\" rx=\"8\" class=\"zone\"/><text x=\"" + Number(x + 16) + "\" y=\"" +
             Number(first->y - 3) + "\" class=\"zonename\">" +
             EscapeHtml(language_.Get("window.zone")) + "</text>\n";
    }
    return svg;
  }

  std::string DrawNode(const Node& node) const {
    const Element& element = pipeline_.element(node.element);
    std::string below;
    for (const WindowPlace& place : assessment_.window) {
      if (place.element == element.id && element.kind == Kind::kProcessor && place.in_tee) {
        below = language_.Get("window.tee");
      } else if (place.element == element.id && element.kind == Kind::kStore) {
        for (const std::string& what : place.what) {
          below += (below.empty() ? "" : ", ") + language_.Get("what." + what);
        }
      }
    }
    const int middle = node.x + kNodeWidth / 2;
    std::string svg = "<rect x=\"" + Number(node.x) + "\" y=\"" + Number(node.y) + "\" width=\"" +
                      Number(kNodeWidth) + "\" height=\"" + Number(kNodeHeight) + "\" rx=\"" +
                      (element.kind == Kind::kStore ? "18" : "5") + "\" class=\"node\"/>";
    svg += "<text x=\"" + Number(middle) + "\" y=\"" + Number(node.y + (below.empty() ? 28 : 20)) +
           "\" class=\"mid\">" + EscapeHtml(Cut(element.id, 28)) + "</text>";
    if (!below.empty()) {
      svg += "<text x=\"" + Number(middle) + "\" y=\"" + Number(node.y + 37) +
             "\" class=\"mid small\">" + EscapeHtml(Cut(below, 38)) + "</text>";
    }
    return svg + "\n";
  }

  std::string DrawHop(std::size_t hop,
                      std::map<std::pair<std::size_t, std::size_t>, int>& parallel) const {
    const Element& element = pipeline_.element(hop);
    const auto end = [&](std::string_view field) {
      return static_cast<std::size_t>(element.facts[RequireField(Kind::kHop, field)].values[0]);
    };
    const std::size_t from = end("from");
    const std::size_t to = end("to");
    const Node& a = *at_.at(from);
    const Node& b = *at_.at(to);
    const int turn = parallel[std::minmax(from, to)]++;
    const std::string exchange = pipeline_.ValueText(hop, RequireField(Kind::kHop, "key_exchange"));
    const std::string carries = pipeline_.ValueText(hop, RequireField(Kind::kHop, "carries"));
    const bool closed = carries == "sealed" || carries == "metadata" || exchange == "hybrid" ||
                        exchange == "post-quantum" ||
                        pipeline_.ValueText(hop, RequireField(Kind::kHop, "transport")) == "local";
    const int ya = a.y + kNodeHeight / 2 - 9 + 22 * turn;
    const int yb = b.y + kNodeHeight / 2 - 9 + 22 * turn;
    std::string path;
    int label_x = 0;
    int label_y = 0;
    std::string anchor = "mid small";
    if (a.x == b.x) {  // in one lane: around its right side
      const int right = a.x + kNodeWidth;
      const int out = right + 46 + 14 * turn;
      path = "M" + Number(right) + " " + Number(ya) + " C " + Number(out) + " " + Number(ya) + " " +
             Number(out) + " " + Number(yb) + " " + Number(right) + " " + Number(yb);
      label_x = out - 4;
      label_y = (ya + yb) / 2 + 4 + 14 * turn;
      anchor = "small";
    } else {
      const bool rightwards = a.x < b.x;
      const int x1 = rightwards ? a.x + kNodeWidth : a.x;
      const int x2 = rightwards ? b.x : b.x + kNodeWidth;
      const int middle = (x1 + x2) / 2;
      path = "M" + Number(x1) + " " + Number(ya) + " C " + Number(middle) + " " + Number(ya) + " " +
             Number(middle) + " " + Number(yb) + " " + Number(x2) + " " + Number(yb);
      label_x = middle;
      label_y = (ya + yb) / 2 - 5;
    }
    return "<path d=\"" + path + "\" class=\"" + (closed ? "hop" : "hop open") +
           "\" marker-end=\"url(#arrow)\"/><text x=\"" + Number(label_x) + "\" y=\"" +
           Number(label_y) + "\" class=\"" + anchor + "\">" +
           EscapeHtml(Cut(element.id, 18) + ": " + exchange) + "</text>\n";
  }

  const Pipeline& pipeline_;
  const Assessment& assessment_;
  const Language& language_;
  std::vector<Lane> lanes_;
  std::vector<std::size_t> hops_;
  std::map<std::size_t, const Node*> at_;
  std::size_t count_ = 0;
};

}  // namespace

std::string RenderDiagram(const Pipeline& pipeline, const Assessment& assessment,
                          const Language& language) {
  return Drawing(pipeline, assessment, language).Draw();
}

}  // namespace casemate::assess
