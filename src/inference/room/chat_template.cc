#include "inference/room/chat_template.h"

#include <algorithm>
#include <exception>
#include <minja/minja.hpp>
#include <sstream>
#include <streambuf>

#include "inference/room/chat_tools.h"

namespace casemate::inference {
namespace {

constexpr std::string_view kChatMl =
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

struct OverLimit : std::exception {
  const char* what() const noexcept override { return "over a limit of the template"; }
};

// Refuses output past its limit by an exception, which is minja's own way of failing.
class BoundedOutput : public std::streambuf {
 public:
  explicit BoundedOutput(bool& over_limit) : over_limit_(&over_limit) {}
  const std::string& text() const { return text_; }

 protected:
  int_type overflow(int_type c) override {
    if (c != traits_type::eof()) {
      const char one = traits_type::to_char_type(c);
      xsputn(&one, 1);
    }
    return c;
  }
  std::streamsize xsputn(const char* from, std::streamsize count) override {
    if (text_.size() + static_cast<std::size_t>(count) > kMaxRenderedBytes) {
      *over_limit_ = true;
      throw OverLimit();
    }
    text_.append(from, static_cast<std::size_t>(count));
    return count;
  }

 private:
  bool* over_limit_;
  std::string text_;
};

// Every name that the template looks up passes here, so that one that loops for ever ends.
class BoundedContext : public minja::Context {
 public:
  BoundedContext(minja::Value&& values, bool& over_limit)
      : minja::Context(std::move(values), minja::Context::builtins()), over_limit_(&over_limit) {}
  minja::Value get(const minja::Value& key) override {
    Spend(1);
    return minja::Context::get(key);
  }
  void Spend(std::size_t steps) {
    if (steps > left_) {
      left_ = 0;
      *over_limit_ = true;
      throw OverLimit();
    }
    left_ -= steps;
  }

 private:
  bool* over_limit_;
  std::size_t left_ = kMaxTemplateSteps;
};

// As Jinja's, but each element costs a step before it exists.
minja::Value MakeRange(BoundedContext* budget) {
  return minja::Value::callable(
      [budget](const std::shared_ptr<minja::Context>&, minja::ArgumentsValue& args) {
        std::int64_t start = 0;
        std::int64_t step = 1;
        if (args.args.empty() || args.args.size() > 3) {
          throw std::runtime_error("range takes 1 to 3 numbers");
        }
        std::int64_t end = args.args[0].get<std::int64_t>();
        if (args.args.size() > 1) {
          start = end;
          end = args.args[1].get<std::int64_t>();
        }
        if (args.args.size() > 2) {
          step = args.args[2].get<std::int64_t>();
        }
        if (step == 0) {
          throw std::runtime_error("range needs a step");
        }
        minja::Value list = minja::Value::array();
        for (std::int64_t i = start; step > 0 ? i < end : i > end;) {
          budget->Spend(1);
          list.push_back(minja::Value(i));
          if (__builtin_add_overflow(i, step, &i)) {
            break;
          }
        }
        return list;
      });
}

// minja parses by recursion: brackets deeper than any real template has would use up the stack.
bool NestsTooDeep(std::string_view source) {
  std::size_t depth = 0;
  for (const char c : source) {
    if (c == '(' || c == '[' || c == '{') {
      if (++depth > kMaxTemplateNesting) {
        return true;
      }
    } else if ((c == ')' || c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

struct ChatTemplate::State {
  std::shared_ptr<minja::TemplateNode> root;
  std::string begin_text;
  std::string end_text;
  bool knows_tools = false;
};

ChatTemplate::ChatTemplate(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::Parse(std::string source, std::string begin_text,
                                         std::string end_text) {
  if (source.empty()) {
    source = kChatMl;
  }
  if (source.size() > kMaxTemplateBytes || NestsTooDeep(source)) {
    return Fail(ErrorCode::kInvalidArgument, "the model's chat template is over its limits");
  }
  auto state = std::make_unique<State>();
  state->knows_tools = source.contains("tools");
  try {
    state->root = minja::Parser::parse(
        source, {.trim_blocks = true, .lstrip_blocks = true, .keep_trailing_newline = false});
  } catch (const std::exception&) {
    return Fail(ErrorCode::kInvalidArgument, "the model's chat template cannot be read");
  }
  state->begin_text = std::move(begin_text);
  state->end_text = std::move(end_text);
  return ChatTemplate(std::move(state));
}

bool ChatTemplate::knows_tools() const { return state_->knows_tools; }

Result<std::string> ChatTemplate::Render(const std::vector<Turn>& turns,
                                         const std::string& tools) const {
  if (turns.empty() || turns.size() > kMaxMessages) {
    return Fail(ErrorCode::kTooLarge, std::to_string(turns.size()) + " messages, expected 1 to " +
                                          std::to_string(kMaxMessages));
  }
  bool over_limit = false;
  BoundedOutput output(over_limit);
  try {
    nlohmann::ordered_json messages = nlohmann::ordered_json::array();
    for (const Turn& turn : turns) {
      nlohmann::ordered_json message = {{"role", turn.role}, {"content", turn.content}};
      if (!turn.tool_calls.empty()) {
        message["tool_calls"] = nlohmann::ordered_json::parse(turn.tool_calls);
      }
      if (!turn.tool_call_id.empty()) {
        message["tool_call_id"] = turn.tool_call_id;
      }
      messages.push_back(std::move(message));
    }
    nlohmann::ordered_json values = {{"messages", std::move(messages)},
                                     {"add_generation_prompt", true},
                                     {"bos_token", state_->begin_text},
                                     {"eos_token", state_->end_text}};
    if (!tools.empty()) {
      values["tools"] = nlohmann::ordered_json::parse(tools);
    }
    auto context = std::make_shared<BoundedContext>(minja::Value(values), over_limit);
    minja::Value range_name("range");
    context->set(range_name, MakeRange(context.get()));
    std::ostringstream text;
    text.basic_ios<char>::rdbuf(&output);
    text.exceptions(std::ios::badbit);  // a stream swallows its buffer's exceptions otherwise
    state_->root->render(text, context);
  } catch (const std::exception&) {
    // minja throws its own exceptions in place of ours: the flag tells what happened.
    if (over_limit) {
      return Fail(ErrorCode::kTooLarge, "the model's chat template is over its limits");
    }
    return Fail(ErrorCode::kInvalidArgument,
                "the model's chat template does not take messages of these roles in this order");
  }
  return output.text();
}

namespace {

Result<std::vector<ChatTemplate::Turn>> TurnsOf(const std::vector<ChatMessage>& messages,
                                                ChatFills& fills) {
  std::vector<ChatTemplate::Turn> turns;
  turns.reserve(messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const ChatMessage& message = messages[i];
    ChatTemplate::Turn turn{.role = message.role};
    if (!message.content.empty() || message.tool_calls.empty()) {
      turn.content = fills.Add(message.content, ChatFills::Kind::kContent, i);
    }
    if (!message.tool_calls.empty()) {
      Result<std::string> calls = HideToolCalls(message.tool_calls, i, fills);
      if (!calls) {
        return std::unexpected(calls.error());
      }
      turn.tool_calls = std::move(*calls);
    }
    if (!message.tool_call_id.empty()) {
      turn.tool_call_id = fills.Add(message.tool_call_id, ChatFills::Kind::kString, i);
    }
    turns.push_back(std::move(turn));
  }
  return turns;
}

Result<TokenBuffer> TokenizePieces(const std::vector<ChatFills::Piece>& pieces,
                                   const ChatFills& fills, const LlamaModel& model) {
  TokenBuffer prompt;
  const auto append = [&prompt](const TokenBuffer& more) {
    for (const std::int32_t token : more.RevealTokens()) {
      prompt.Append(token);
    }
  };
  bool first = true;
  for (const ChatFills::Piece& piece : pieces) {
    Result<TokenBuffer> text = model.TokenizeTemplate(piece.text, first);
    if (!text) {
      return std::unexpected(text.error());
    }
    append(*text);
    first = false;
    if (piece.fill != ChatFills::Piece::kNone) {
      Result<TokenBuffer> content = model.TokenizeContent(fills.TextOf(piece));
      if (!content) {
        return std::unexpected(content.error());
      }
      append(*content);
    }
  }
  return prompt;
}

}  // namespace

Result<TokenBuffer> RenderPrompt(const ChatTemplate& chat, const LlamaModel& model,
                                 const std::vector<ChatMessage>& messages, PlaintextView tools) {
  const bool about_tools = !tools.empty() || std::ranges::any_of(messages, [](const auto& message) {
    return !message.tool_calls.empty() || !message.tool_call_id.empty();
  });
  if (about_tools && !chat.knows_tools()) {
    Result<std::vector<ChatMessage>> described = DescribeTools(messages, tools);
    return described ? RenderPrompt(chat, model, *described)
                     : Result<TokenBuffer>(std::unexpected(described.error()));
  }
  ChatFills fills;
  Result<std::vector<ChatTemplate::Turn>> turns = TurnsOf(messages, fills);
  if (!turns) {
    return std::unexpected(turns.error());
  }
  Result<std::string> shown = tools.empty() ? Result<std::string>() : HideTools(tools, fills);
  if (!shown) {
    return std::unexpected(shown.error());
  }
  Result<std::string> rendered = chat.Render(*turns, *shown);
  if (!rendered) {
    return std::unexpected(rendered.error());
  }
  Result<std::vector<ChatFills::Piece>> pieces = fills.Cut(*rendered);
  if (!pieces) {
    return std::unexpected(pieces.error());
  }
  return TokenizePieces(*pieces, fills, model);
}

}  // namespace casemate::inference
