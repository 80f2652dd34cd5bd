#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "assess/catalogue.h"
#include "assess/live/host.h"
#include "assess/pipeline.h"
#include "assess/result.h"

// A running deployment as a description: what was measured becomes facts, what Casemate's documents
// say of every deployment becomes documented ones, and the rest is unknown until its operator
// declares it. Nothing here speaks to a server: the command does, and hands over what it got.
namespace casemate::assess {

// The `use:` that an operator's file names.
inline constexpr std::string_view kLiveId = "casemate-live";

// Whether a passphrase from a file is kept by the running server.
enum class PassphraseKept : unsigned char { kNo, kYes, kNotSeen };

struct LiveConnection {
  std::string peer;       // address without port, "uid N"
  std::string transport;  // "tls", "unix-socket", ...
  std::string verdict;    // "hybrid", "pure", "classical", "local"
  std::string group;      // of TLS
  std::int64_t connections = 0;
};

// What was asked and read. Texts may be anything; they are quoted.
struct LiveFacts {
  std::string date;        // YYYY-MM-DD
  std::string deployment;  // its folder, for people
  std::string version;

  // Custody, as the custodian says.
  std::string token;           // for people
  std::string pin_protection;  // "argon2id", "credential", "insecure-file", "descriptor"
  bool own_token = true;       // SoftHSM2 with its files in the deployment
  std::string module;          // the PKCS#11 library of another token, or empty
  bool pin_beside = false;     // custodian/pin.insecure is there
  PassphraseKept passphrase = PassphraseKept::kNotSeen;
  std::int64_t lease_seconds = 30;
  std::string mirror;  // path, "none", or empty: not set

  std::vector<std::string> tenants;
  std::vector<std::string> models;
  std::uint64_t log_entries = 0;
  std::uint64_t log_checkpoint = 0;
  std::string log_level;

  HostFacts host;

  std::string tls_minimum = "hybrid";  // "hybrid", "classical"
  std::vector<std::string> classical_from;
  std::string hops_since;  // when the table began, for people
  std::vector<LiveConnection> connections;
};

// The entry of the catalogue (docs/formats/catalogue.md) that these facts make.
std::string LiveEntry(const LiveFacts& facts);

struct LivePipeline {
  Pipeline pipeline;
  // Where the operator's file says something else than was measured; what was measured stands.
  // Without ids and moves.
  std::vector<Contradiction> contradictions;
};

// The description: what was measured and, over it, what the operator's file declares. `text` is a
// pipeline file with `use: casemate-live`, or empty: then the operator is a party of which nothing
// is known. Errors: those of Pipeline::Parse; kInvalidArgument: the file uses something else.
[[nodiscard]] Result<LivePipeline> MakeLive(const LiveFacts& facts, const std::string& text,
                                            const std::string& file, const Catalogue& catalogue);

}  // namespace casemate::assess
