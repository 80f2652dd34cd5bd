#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/sqlite.h"
#include "storage/tenant_store.h"

// The rows of store.db, and how they are asked for. For the files tenant_store*.cc alone.
namespace casemate::storage {

inline constexpr std::string_view kFileColumns =
    "SELECT id, slot, created, object, metadata FROM file ";
inline constexpr std::string_view kCollectionColumns =
    "SELECT id, slot, created, name_tag, metadata FROM collection ";
inline constexpr std::string_view kAttachmentColumns =
    "SELECT id, slot, file, collection, state, created, name_tag, change_tag, bytes, metadata "
    "FROM attachment ";

// The schema checks lengths; a damaged page may still bring another one.
template <typename IdType>
IdType IdAt(const Statement& row, int column) {
  return IdType::FromBytes(row.Blob(column)).value_or(IdType());
}

inline Bytes CopyOf(ByteView view) { return {view.begin(), view.end()}; }

inline std::optional<Tag> TagAt(const Statement& row, int column) {
  const ByteView view = row.Blob(column);
  Tag tag{};
  if (view.size() != tag.size()) {
    return std::nullopt;
  }
  std::ranges::copy(view, tag.begin());
  return tag;
}

inline void BindTag(Statement& statement, int index, const std::optional<Tag>& tag) {
  if (tag) {
    statement.BindBlob(index, *tag);
  } else {
    statement.BindNull(index);
  }
}

inline FileRow FileAt(const Statement& row) {
  return {.id = IdAt<FileId>(row, 0),
          .slot = static_cast<std::uint32_t>(row.Integer(1)),
          .created = row.Integer(2),
          .metadata = CopyOf(row.Blob(4)),
          .object = row.Text(3)};
}

inline CollectionRow CollectionAt(const Statement& row) {
  CollectionRow found;
  found.id = IdAt<CollectionId>(row, 0);
  found.slot = static_cast<std::uint32_t>(row.Integer(1));
  found.created = row.Integer(2);
  found.name_tag = TagAt(row, 3).value_or(Tag{});
  found.metadata = CopyOf(row.Blob(4));
  return found;
}

inline AttachmentRow AttachmentAt(const Statement& row) {
  AttachmentRow found;
  found.ref = {IdAt<ObjectId>(row, 0), static_cast<std::uint32_t>(row.Integer(1))};
  found.file = IdAt<FileId>(row, 2);
  found.collection = IdAt<CollectionId>(row, 3);
  found.state = static_cast<AttachmentState>(row.Integer(4));
  found.created = row.Integer(5);
  found.name_tag = TagAt(row, 6);
  found.change_tag = TagAt(row, 7);
  found.bytes = static_cast<std::uint64_t>(row.Integer(8));
  found.metadata = CopyOf(row.Blob(9));
  return found;
}

// All rows of a statement.
template <typename Row, typename Bind, typename Read>
Result<std::vector<Row>> Select(Database& database, const std::string& sql, Bind bind, Read read) {
  Result<Statement> statement = database.Prepare(sql);
  if (!statement) {
    return std::unexpected(statement.error());
  }
  bind(*statement);
  std::vector<Row> rows;
  for (;;) {
    Result<bool> row = statement->Step();
    if (!row) {
      return std::unexpected(row.error());
    }
    if (!*row) {
      return rows;
    }
    rows.push_back(read(*statement));
  }
}

template <typename Bind>
Result<void> Change(Database& database, std::string_view sql, Bind bind) {
  Result<Statement> statement = database.Prepare(sql);
  if (!statement) {
    return std::unexpected(statement.error());
  }
  bind(*statement);
  return statement->Run();
}

template <typename Row>
Result<std::optional<Row>> FirstOf(Result<std::vector<Row>> rows) {
  if (!rows) {
    return std::unexpected(rows.error());
  }
  if (rows->empty()) {
    return std::nullopt;
  }
  return std::move(rows->front());
}

// "WHERE ... ORDER BY seq ... LIMIT ?" with the parameters: after (0), limit (1), scope (2).
inline std::string PageOf(std::string_view table, const RowPage& page, std::string_view id_column,
                          std::string_view scope) {
  const std::string compare = page.ascending ? ">" : "<";
  std::string sql = "WHERE " + std::string(scope);
  if (page.after) {
    sql += " AND seq " + compare + " (SELECT seq FROM " + std::string(table) + " WHERE " +
           std::string(id_column) + " = ?1)";
  }
  sql += " ORDER BY seq " + std::string(page.ascending ? "ASC" : "DESC") + " LIMIT ?2";
  return sql;
}

inline void BindPage(Statement& statement, const RowPage& page) {
  if (page.after) {
    statement.BindBlob(0, page.after->bytes());
  }
  statement.Bind(1, static_cast<std::int64_t>(page.limit));
}

}  // namespace casemate::storage
