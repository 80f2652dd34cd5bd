#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "ipc/codec.h"
#include "ipc/matrix.h"

// The three messages of every channel; docs/formats/ipc.md.
namespace casemate::ipc {

// The asker wants no more; the answer, if one comes, is dropped.
struct Cancel {
  static constexpr MessageType kType = MessageType::kCancel;
  static void Fields(auto&, auto&) {}
};

// The asker takes that many more messages of a stream. The last message of a request needs none.
struct Credit {
  static constexpr MessageType kType = MessageType::kCredit;
  std::uint32_t messages = 0;
  static void Fields(auto& m, auto& v) { v(m.messages); }
};

// Ends a request with an error; with request id 0: what kept a child from starting.
struct Failure {
  static constexpr MessageType kType = MessageType::kError;
  ErrorCode code = ErrorCode::kUnavailable;
  std::string message;
  std::string param;
  std::string detail;
  static void Fields(auto& m, auto& v) {
    v(m.code);
    v(m.message);
    v(m.param);
    v(m.detail);
  }
  static Result<void> Check(const Failure& failure) {
    if (ErrorCodeName(failure.code) == "unknown") {
      return ::casemate::Fail(ErrorCode::kInvalidArgument, "unknown error code");
    }
    return {};
  }

  // Texts are cut to 4 KiB each, so that an error always travels inline.
  static Failure Of(const Error& error);
  Error ToError() && {
    return Error{code, std::move(message), std::move(param), std::move(detail)};
  }
};

}  // namespace casemate::ipc
