#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "custody/messages.h"

// What the operator's command asks of tenants, principals and grants, over the custodian's control
// socket. Every change is durable, in the log, and has ended the tickets that it takes the ground
// from before it is answered. Names are the custodian's: a tenant, a principal of a tenant. A
// collection is an id here: its name is in the tenant's sealed store, which the custodian does not
// open (the command looks it up over the operator's HTTP socket).
namespace casemate::custody {

struct GrantTag {
  static constexpr std::string_view kPrefix = "grant_";
};
using GrantId = Id<GrantTag>;

// What every change answers.
struct ChangeReply {
  std::uint32_t tickets_ended = 0;
  std::uint64_t log_index = 0;
  static void Fields(auto& m, auto& v) {
    v(m.tickets_ended);
    v(m.log_index);
  }
};

struct TenantChange {
  static constexpr MessageType kType = MessageType::kTenantChange;
  std::string tenant;      // name; never empty
  bool suspended = false;  // what it is to be
  static void Fields(auto& m, auto& v) {
    v(m.tenant);
    v(m.suspended);
  }
};
struct TenantChangeReply : ChangeReply {
  static constexpr MessageType kType = MessageType::kTenantChangeReply;
};

// Erases the tenant: its epoch keys are destroyed in the token, and its tree is deleted.
struct TenantRemove {
  static constexpr MessageType kType = MessageType::kTenantRemove;
  std::string tenant;
  std::string confirmation;  // the tenant's name once more
  static void Fields(auto& m, auto& v) {
    v(m.tenant);
    v(m.confirmation);
  }
};
struct TenantRemoveReply {
  static constexpr MessageType kType = MessageType::kTenantRemoveReply;
  TenantId id;  // names the folder that is left: D/tenants/<id>
  std::uint64_t objects = 0;
  std::uint32_t tickets_ended = 0;
  std::uint64_t log_index = 0;
  std::string caveat;
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.objects);
    v(m.tickets_ended);
    v(m.log_index);
    v(m.caveat);
  }
};

struct PrincipalCreate {
  static constexpr MessageType kType = MessageType::kPrincipalCreate;
  std::string tenant;  // empty: the default one
  std::string name;    // 1 to 128 of a-z, A-Z, 0-9 and . _ @ + -; each once in its tenant
  policy::Label ceiling = policy::kHighestLabel;
  static void Fields(auto& m, auto& v) {
    v(m.tenant);
    v(m.name);
    v(m.ceiling);
  }
};
struct PrincipalCreateReply {
  static constexpr MessageType kType = MessageType::kPrincipalCreateReply;
  PrincipalId id;
  std::uint64_t log_index = 0;
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.log_index);
  }
};

struct PrincipalList {
  static constexpr MessageType kType = MessageType::kPrincipalList;
  std::string tenant;  // empty: of all
  static void Fields(auto& m, auto& v) { v(m.tenant); }
};
struct PrincipalEntry {
  PrincipalId id;
  std::string tenant;
  std::string name;
  policy::Label ceiling = policy::kLowestLabel;
  bool is_operator = false;
  bool suspended = false;
  std::int64_t created = 0;
  std::uint32_t keys = 0;  // that can be used now
  std::uint32_t grants = 0;
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.tenant);
    v(m.name);
    v(m.ceiling);
    v(m.is_operator);
    v(m.suspended);
    v(m.created);
    v(m.keys);
    v(m.grants);
  }
};
struct PrincipalListReply {
  static constexpr MessageType kType = MessageType::kPrincipalListReply;
  std::vector<PrincipalEntry> principals;
  static void Fields(auto& m, auto& v) { v(m.principals); }
};

struct PrincipalChange {
  static constexpr MessageType kType = MessageType::kPrincipalChange;
  std::string tenant;
  std::string name;
  bool suspended = false;
  static void Fields(auto& m, auto& v) {
    v(m.tenant);
    v(m.name);
    v(m.suspended);
  }
};
struct PrincipalChangeReply : ChangeReply {
  static constexpr MessageType kType = MessageType::kPrincipalChangeReply;
};

// Erases the principal's object, and with it the salt of what the log says of it.
struct PrincipalRemove {
  static constexpr MessageType kType = MessageType::kPrincipalRemove;
  std::string tenant;
  std::string name;
  bool no_mirror = false;  // the operator accepts that there is no second copy
  static void Fields(auto& m, auto& v) {
    v(m.tenant);
    v(m.name);
    v(m.no_mirror);
  }
};
struct PrincipalRemoveReply {
  static constexpr MessageType kType = MessageType::kPrincipalRemoveReply;
  std::uint64_t epoch = 0;
  std::uint32_t tickets_ended = 0;
  std::uint64_t log_index = 0;
  std::string caveat;
  static void Fields(auto& m, auto& v) {
    v(m.epoch);
    v(m.tickets_ended);
    v(m.log_index);
    v(m.caveat);
  }
};

// Takes the place of an earlier grant of the same principal on the same collection.
struct GrantAdd {
  static constexpr MessageType kType = MessageType::kGrantAdd;
  std::string tenant;
  std::string principal;
  bool all_collections = false;
  CollectionId collection;  // none with all_collections
  policy::ActionSet actions = 0;
  policy::Label ceiling = policy::kLowestLabel;
  static void Fields(auto& m, auto& v) {
    v(m.tenant);
    v(m.principal);
    v(m.all_collections);
    v(m.collection);
    v(m.actions);
    v(m.ceiling);
  }
};
struct GrantAddReply {
  static constexpr MessageType kType = MessageType::kGrantAddReply;
  GrantId id;
  bool replaced = false;
  std::uint32_t tickets_ended = 0;
  std::uint64_t log_index = 0;
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.replaced);
    v(m.tickets_ended);
    v(m.log_index);
  }
};

struct GrantList {
  static constexpr MessageType kType = MessageType::kGrantList;
  std::string tenant;     // empty: of all
  std::string principal;  // empty: of all
  static void Fields(auto& m, auto& v) {
    v(m.tenant);
    v(m.principal);
  }
};
struct GrantEntry {
  GrantId id;
  std::string tenant;
  std::string principal;
  bool all_collections = false;
  CollectionId collection;
  policy::ActionSet actions = 0;
  policy::Label ceiling = policy::kLowestLabel;
  std::int64_t created = 0;
  static void Fields(auto& m, auto& v) {
    v(m.id);
    v(m.tenant);
    v(m.principal);
    v(m.all_collections);
    v(m.collection);
    v(m.actions);
    v(m.ceiling);
    v(m.created);
  }
};
struct GrantListReply {
  static constexpr MessageType kType = MessageType::kGrantListReply;
  std::vector<GrantEntry> grants;
  static void Fields(auto& m, auto& v) { v(m.grants); }
};

struct GrantRemove {
  static constexpr MessageType kType = MessageType::kGrantRemove;
  GrantId id;
  static void Fields(auto& m, auto& v) { v(m.id); }
};
struct GrantRemoveReply : ChangeReply {
  static constexpr MessageType kType = MessageType::kGrantRemoveReply;
};

}  // namespace casemate::custody
