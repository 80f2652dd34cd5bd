#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/log.h"
#include "ipc/codec.h"
#include "ipc/matrix.h"

// What the supervisor says to its children. Every child is started with its channel to the
// supervisor as descriptor 3, receives exactly one kSetup message with the descriptors named below
// in that order, hardens and sandboxes itself, and answers kReady.
namespace casemate::ipc {

inline constexpr int kSupervisorFd = 3;

// Descriptors: channel to the custodian; listening TCP socket; listening operator socket.
struct SetupFront {
  static constexpr MessageType kType = MessageType::kSetupFront;
  bool hybrid_only = true;
  std::uint64_t max_body_bytes = 0;
  std::uint32_t max_connections = 0;
  std::vector<std::string> groups;          // OpenSSL names, in order of preference
  std::vector<std::string> classical_from;  // peers held to less although hybrid_only is true
  static void Fields(auto& m, auto& v) {
    v(m.hybrid_only);
    v(m.max_body_bytes);
    v(m.max_connections);
    v(m.groups);
    v(m.classical_from);
  }
};
// Descriptors: channel to the front (or the command's, with kInit); listening control socket; then,
// when `pin_source` is "passphrase", "pin" or "credential", the descriptor to read it from. Without
// one it waits, locked, for the operator's passphrase or PIN (custody::Unlock).
struct SetupCustodian {
  static constexpr MessageType kType = MessageType::kSetupCustodian;
  std::string deployment;   // absolute path of D
  std::string pin_source;   // "passphrase", "pin", "credential", "insecure-file"
  std::string token_uri;    // RFC 7512; empty: the deployment's own SoftHSM2 token
  std::string module_path;  // of the PKCS#11 library
  std::string mirror;       // path, "none", or empty
  std::uint32_t lease_ms = 30'000;
  std::uint32_t argon2_memory_kib = 0;   // for init: 0 is the default
  bool init = false;                     // make a deployment, answer kInit, end
  std::vector<std::string> labels = {};  // as the configuration has them: compared with the state's
  std::string default_label = {};
  static void Fields(auto& m, auto& v) {
    v(m.deployment);
    v(m.pin_source);
    v(m.token_uri);
    v(m.module_path);
    v(m.mirror);
    v(m.lease_ms);
    v(m.argon2_memory_kib);
    v(m.init);
    v(m.labels);
    v(m.default_label);
  }
};
// Descriptors: channel to the custodian; channel to the front.
struct SetupKeeper {
  static constexpr MessageType kType = MessageType::kSetupKeeper;
  TenantId tenant;
  std::string folder;  // absolute: D/tenants/<id>
  std::uint64_t max_document_bytes = 0;
  static void Fields(auto& m, auto& v) {
    v(m.tenant);
    v(m.folder);
    v(m.max_document_bytes);
  }
};
// Descriptors: channel to the keeper; the model's sealed memfd; the compute permit (a memfd of its
// own open description, locked with F_OFD_SETLKW around each decode step).
struct SetupRoom {
  static constexpr MessageType kType = MessageType::kSetupRoom;
  std::string model;                 // name, for messages
  std::string task;                  // "chat" or "embedding"
  std::uint32_t context_tokens = 0;  // per sequence
  std::uint32_t sequences = 0;       // at the same time
  std::uint32_t threads = 0;         // 0: by the model's size
  static void Fields(auto& m, auto& v) {
    v(m.model);
    v(m.task);
    v(m.context_tokens);
    v(m.sequences);
    v(m.threads);
  }
};
// Descriptors: channel to the keeper.
struct SetupParse {
  static constexpr MessageType kType = MessageType::kSetupParse;
  std::uint32_t cpu_seconds = 0;
  std::uint64_t memory_bytes = 0;
  static void Fields(auto& m, auto& v) {
    v(m.cpu_seconds);
    v(m.memory_bytes);
  }
};
// Descriptors: the model's file, open for reading; an empty memfd. Answers kLoaded and ends.
struct SetupLoader {
  static constexpr MessageType kType = MessageType::kSetupLoader;
  std::string digest;  // SHA-256, hex, that the file must have
  static void Fields(auto& m, auto& v) { v(m.digest); }
};
struct Loaded {
  static constexpr MessageType kType = MessageType::kLoaded;
  std::uint64_t bytes = 0;
  static void Fields(auto& m, auto& v) { v(m.bytes); }
};
struct Ready {
  static constexpr MessageType kType = MessageType::kReady;
  static void Fields(auto&, auto&) {}
};

// Front -> supervisor: the answer carries the front's end of a channel to the tenant's keeper.
struct StartKeeper {
  static constexpr MessageType kType = MessageType::kStartKeeper;
  TenantId tenant;
  static void Fields(auto& m, auto& v) { v(m.tenant); }
};
struct StartKeeperReply {
  static constexpr MessageType kType = MessageType::kStartKeeperReply;
  static void Fields(auto&, auto&) {}
};
// Keeper -> supervisor: the answer carries the keeper's end of a channel to the room, or parser.
struct StartRoom {
  static constexpr MessageType kType = MessageType::kStartRoom;
  std::string model;
  std::string digest;
  std::string task;
  std::uint32_t context_tokens = 0;
  static void Fields(auto& m, auto& v) {
    v(m.model);
    v(m.digest);
    v(m.task);
    v(m.context_tokens);
  }
};
struct StartRoomReply {
  static constexpr MessageType kType = MessageType::kStartRoomReply;
  static void Fields(auto&, auto&) {}
};
struct StartParse {
  static constexpr MessageType kType = MessageType::kStartParse;
  static void Fields(auto&, auto&) {}
};
struct StartParseReply {
  static constexpr MessageType kType = MessageType::kStartParseReply;
  static void Fields(auto&, auto&) {}
};
// Supervisor -> custodian, with the custodian's end of a channel to a keeper. Refused (kNotFound)
// for a tenant that does not exist.
struct AttachKeeper {
  static constexpr MessageType kType = MessageType::kAttachKeeper;
  TenantId tenant;
  static void Fields(auto& m, auto& v) { v(m.tenant); }
};
struct AttachKeeperReply {
  static constexpr MessageType kType = MessageType::kAttachKeeperReply;
  static void Fields(auto&, auto&) {}
};
// Front -> supervisor, when it accepts connections.
struct Serving {
  static constexpr MessageType kType = MessageType::kServing;
  std::string address;  // "127.0.0.1:8443"
  static void Fields(auto& m, auto& v) { v(m.address); }
};
// Supervisor -> children, when the configuration was read anew; each takes what concerns it.
struct Settings {
  static constexpr MessageType kType = MessageType::kSettings;
  LogLevel log_level = LogLevel::kInfo;
  bool log_json = false;
  bool hybrid_only = true;
  std::vector<std::string> groups;
  std::vector<std::string> classical_from;
  std::uint64_t max_body_bytes = 0;
  std::uint32_t max_connections = 0;
  std::uint32_t lease_ms = 30'000;
  // The server's certificate is made anew when it is not for these names, or ends soon.
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  static void Fields(auto& m, auto& v) {
    v(m.log_level);
    v(m.log_json);
    v(m.hybrid_only);
    v(m.groups);
    v(m.classical_from);
    v(m.max_body_bytes);
    v(m.max_connections);
    v(m.lease_ms);
    v(m.dns_names);
    v(m.ip_addresses);
  }
  static Result<void> Check(const Settings& settings) {
    return settings.log_level <= LogLevel::kError
               ? Result<void>()
               : Fail(ErrorCode::kInvalidArgument, "unknown log level");
  }
};
// Front -> supervisor, for the operator: read the configuration anew.
struct Reload {
  static constexpr MessageType kType = MessageType::kReload;
  static void Fields(auto&, auto&) {}
};
struct ReloadReply {
  static constexpr MessageType kType = MessageType::kReloadReply;
  std::vector<std::string> applied;       // "log.level"
  std::vector<std::string> need_restart;  // changed in the file, unchanged here
  static void Fields(auto& m, auto& v) {
    v(m.applied);
    v(m.need_restart);
  }
};
// Supervisor -> front: let nobody new in, say when the last request has its answer.
struct Drain {
  static constexpr MessageType kType = MessageType::kDrain;
  static void Fields(auto&, auto&) {}
};
struct Drained {
  static constexpr MessageType kType = MessageType::kDrained;
  static void Fields(auto&, auto&) {}
};
// After one of the two was started anew: its end of a fresh channel to the other goes to the one
// that lives on. The front's is a notice; the custodian's is a request, because it pushes at once.
struct AttachCustodian {
  static constexpr MessageType kType = MessageType::kAttachCustodian;
  static void Fields(auto&, auto&) {}
};
struct AttachFront {
  static constexpr MessageType kType = MessageType::kAttachFront;
  static void Fields(auto&, auto&) {}
};
struct AttachFrontReply {
  static constexpr MessageType kType = MessageType::kAttachFrontReply;
  static void Fields(auto&, auto&) {}
};
// Supervisor -> child: finish what is acknowledged and end.
struct Stop {
  static constexpr MessageType kType = MessageType::kStop;
  static void Fields(auto&, auto&) {}
};

}  // namespace casemate::ipc
