#include "net/http_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

namespace casemate::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

// What both directions collect. Beast's own containers are not used: they would keep the body and
// the credential in memory that nobody wipes.
struct Collected {
  MessageHead head;
  Plaintext body;
  std::uint64_t body_bytes = 0;
  std::uint64_t max_body_bytes = 0;
  std::optional<std::uint64_t> announced;
  bool body_too_large = false;

  void Field(std::string_view name, std::string_view value) {
    std::string lower = Lower(name);
    if (lower == "authorization") {
      ++head.authorizations;
      head.authorization = Plaintext::Copy(value);
      return;
    }
    head.headers.push_back({std::move(lower), std::string(value)});
  }
  void CheckSize(std::uint64_t size, error_code& ec) {
    if (size > max_body_bytes) {
      body_too_large = true;
      ec = http::error::body_limit;
    }
  }
};

template <bool kIsRequest>
class Parser final : public http::basic_parser<kIsRequest> {
 public:
  explicit Parser(Collected& collected) : collected_(collected) {}

 private:
  void on_request_impl(http::verb, BeastView method, BeastView target, int version,
                       error_code&) override {
    collected_.head.method = std::string_view(method);
    collected_.head.target = std::string_view(target);
    collected_.head.http11 = version == 11;
  }
  void on_response_impl(int code, BeastView, int version, error_code&) override {
    collected_.head.status = static_cast<std::uint16_t>(code);
    collected_.head.http11 = version == 11;
  }
  void on_field_impl(http::field, BeastView name, BeastView value, error_code&) override {
    collected_.Field(name, value);
  }
  // Trailers say nothing that we act on.
  void on_trailer_field_impl(http::field, BeastView, BeastView, error_code&) override {}
  void on_header_impl(error_code& ec) override {
    if (const auto length = this->content_length()) {
      collected_.announced = *length;
      collected_.CheckSize(*length, ec);
    }
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(BeastView body, error_code& ec) override { return Add(body, ec); }
  void on_chunk_header_impl(std::uint64_t size, BeastView, error_code& ec) override {
    // A chunk that says it is larger than what may still come is refused before its first byte.
    const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - collected_.body_bytes;
    collected_.CheckSize(collected_.body_bytes + std::min(size, room), ec);
  }
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, error_code& ec) override {
    return Add(body, ec);
  }
  void on_finish_impl(error_code&) override {}

  std::size_t Add(BeastView body, error_code& ec) {
    collected_.CheckSize(collected_.body_bytes + body.size(), ec);
    if (ec) {
      return 0;
    }
    collected_.body_bytes += body.size();
    collected_.body.Append(PlaintextView::Of(std::string_view(body)));
    return body.size();
  }

  Collected& collected_;
};

}  // namespace

struct HttpParser::State {
  State(Kind kind, const HttpLimits& limits, bool no_body)
      : max_header_bytes(limits.max_header_bytes) {
    collected.max_body_bytes = limits.max_body_bytes;
    const auto prepare = [&](auto& parser) {
      parser.header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
      parser.body_limit(boost::none);  // counted by Collected, which can name both numbers
      parser.skip(no_body);
    };
    if (kind == Kind::kRequest) {
      prepare(request.emplace(collected));
    } else {
      prepare(response.emplace(collected));
    }
  }

  template <typename Self, typename Function>
  static auto With(Self& self, Function function) {
    return self.request ? function(*self.request) : function(*self.response);
  }

  Error ToError(const error_code& ec) const {
    if (collected.body_too_large) {
      const std::string limit = std::to_string(collected.max_body_bytes);
      return {.code = ErrorCode::kTooLarge,
              .message = collected.announced
                             ? "the body has " + std::to_string(*collected.announced) +
                                   " bytes, at most " + limit + " are accepted"
                             : "the body has more than the " + limit + " bytes that are accepted",
              .param = "body",
              .detail = {}};
    }
    if (ec == http::error::header_limit) {
      return {.code = ErrorCode::kTooLarge,
              .message =
                  "the header is over the limit of " + std::to_string(max_header_bytes) + " bytes",
              .param = "header",
              .detail = {}};
    }
    return {.code = ErrorCode::kInvalidArgument,
            .message = "not an HTTP/1.1 message: " + ec.message(),
            .param = {},
            .detail = {}};
  }

  Collected collected;
  std::size_t max_header_bytes;
  std::optional<Parser<true>> request;
  std::optional<Parser<false>> response;
};

const std::string* MessageHead::Find(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &Header::name);
  return found == headers.end() ? nullptr : &found->value;
}

HttpParser::HttpParser(Kind kind, const HttpLimits& limits, bool no_body)
    : state_(std::make_unique<State>(kind, limits, no_body)) {}
HttpParser::~HttpParser() = default;
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;

Result<std::size_t> HttpParser::Feed(PlaintextView bytes) {
  if (bytes.empty() || done()) {
    return 0;
  }
  const std::string_view text = bytes.Reveal();
  error_code ec;
  const std::size_t taken = State::With(*state_, [&](auto& parser) {
    return parser.put(boost::asio::const_buffer(text.data(), text.size()), ec);
  });
  if (ec && ec != http::error::need_more) {
    return std::unexpected(state_->ToError(ec));
  }
  return taken;
}

Result<void> HttpParser::End() {
  if (!started()) {
    return Fail(ErrorCode::kInvalidArgument, "the connection ended before a message");
  }
  if (done()) {
    return {};
  }
  error_code ec;
  State::With(*state_, [&](auto& parser) { parser.put_eof(ec); });
  if (ec) {
    return std::unexpected(state_->ToError(ec));
  }
  return {};
}

bool HttpParser::started() const {
  return State::With(*state_, [](auto& parser) { return parser.got_some(); });
}
bool HttpParser::head_done() const {
  return State::With(*state_, [](auto& parser) { return parser.is_header_done(); });
}
bool HttpParser::done() const {
  return State::With(*state_, [](auto& parser) { return parser.is_done(); });
}
MessageHead& HttpParser::head() { return state_->collected.head; }
std::optional<std::uint64_t> HttpParser::content_length() const {
  return state_->collected.announced;
}
bool HttpParser::keep_alive() const {
  return State::With(*state_, [](auto& parser) { return parser.keep_alive(); });
}
Plaintext HttpParser::TakeBody() { return std::exchange(state_->collected.body, Plaintext()); }

}  // namespace casemate::net
