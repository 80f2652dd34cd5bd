#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/id.h"
#include "storage/sqlite.h"

// custodian/tree.db: sealed nodes, wrapped root keys, signed heads, sealed documents of every
// tenant. It knows no secret. Tables: docs/formats/key_tree.md, "tree.db".
namespace casemate::custody {

struct NodeAddress {
  std::uint8_t level = 0;  // 0 root, 1 inner, 2 leaf
  std::uint32_t index = 0;
  auto operator<=>(const NodeAddress&) const = default;
};

struct StoredNode {
  NodeAddress address;
  std::uint64_t epoch = 0;  // in which it was written: part of its seal's context
  Bytes sealed;
};

struct StoredHead {
  TenantId tenant;
  std::uint64_t epoch = 0;
  Bytes wrapped_root_key;
  Bytes note;
};

struct StoredDocument {
  std::string name;
  Bytes sealed;
};

// One durable step of one tenant.
struct TreeChange {
  StoredHead head;
  std::vector<StoredNode> nodes;
  std::vector<StoredDocument> documents;
};

// One file, or two: with a mirror every change is first committed there. Threads: one at a time.
class TreeStore {
 public:
  // `mirror`: a folder, or empty. Of two files the one with more changes is opened; the other is
  // brought up to it by SyncMirror, once the caller has verified what it reads. Errors: kNotFound:
  // no file and not `create`; kIntegrityFailure; kResourceExhausted; kUnavailable: also a mirror
  // that is configured and cannot be reached.
  [[nodiscard]] static Result<TreeStore> Open(const std::filesystem::path& folder,
                                              const std::filesystem::path& mirror, bool create);

  [[nodiscard]] Result<void> SyncMirror();

  [[nodiscard]] Result<std::optional<TenantId>> Deployment();
  [[nodiscard]] Result<std::vector<StoredHead>> Heads();
  // Errors: kIntegrityFailure: the node is missing.
  [[nodiscard]] Result<StoredNode> ReadNode(const TenantId& tenant, const NodeAddress& address);
  [[nodiscard]] Result<std::optional<Bytes>> ReadDocument(const std::string& name);

  // Durable on return, in the mirror too. A full disk (kResourceExhausted) leaves everything as it
  // was. After any other error, or when the two files differ, every later call fails with
  // kUnavailable until the files are opened again.
  [[nodiscard]] Result<void> Commit(const TreeChange& change);
  // Deletes a tenant's head and nodes. Durable on return, in the mirror too; errors as Commit.
  [[nodiscard]] Result<void> RemoveTenant(const TenantId& tenant);
  // Of a new deployment, before the first Commit.
  [[nodiscard]] Result<void> SetDeployment(const TenantId& deployment);

  bool has_mirror() const { return mirror_.has_value(); }
  // Consistent copy of the file in use, at `path` where no file may be.
  [[nodiscard]] Result<void> BackupTo(const std::filesystem::path& path);

 private:
  TreeStore(storage::Database main, std::filesystem::path main_path);
  [[nodiscard]] Result<void> InBoth(const std::function<Result<void>(storage::Database&)>& change);
  std::filesystem::path main_path_;
  std::filesystem::path mirror_path_;  // empty: none
  storage::Database main_;
  std::optional<storage::Database> mirror_;
  bool failed_ = false;
};

}  // namespace casemate::custody
