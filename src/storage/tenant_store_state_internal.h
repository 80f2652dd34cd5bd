#pragma once

#include <mutex>
#include <unordered_map>
#include <utility>

#include "storage/tenant_rows_internal.h"

// What a TenantStore holds, and what several of its calls do. For the files tenant_store*.cc alone.
namespace casemate::storage {

struct TenantStore::State {
  State(TenantId id, ObjectFolder folder, Database opened)
      : tenant(id), objects(std::move(folder)), database(std::move(opened)) {}

  TenantId tenant;
  ObjectFolder objects;
  mutable std::mutex mutex;  // guards all below
  Database database;
  std::unordered_map<CollectionId, std::uint64_t> generations;

  Result<void> InsertFile(const FileRow& row, const std::string& object) {
    return Change(database,
                  "INSERT INTO file(id, slot, created, object, metadata) VALUES(?, ?, ?, ?, ?)",
                  [&](Statement& s) {
                    s.BindBlob(0, row.id.bytes())
                        .Bind(1, row.slot)
                        .Bind(2, row.created)
                        .BindText(3, object)
                        .BindBlob(4, row.metadata);
                  });
  }

  Result<void> InsertAttachment(const AttachmentRow& row) {
    return Change(database,
                  "INSERT INTO attachment(id, slot, file, collection, state, created, name_tag, "
                  "change_tag, bytes, metadata) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  [&](Statement& s) {
                    s.BindBlob(0, row.ref.id.bytes())
                        .Bind(1, row.ref.slot)
                        .BindBlob(2, row.file.bytes())
                        .BindBlob(3, row.collection.bytes())
                        .Bind(4, static_cast<std::int64_t>(row.state))
                        .Bind(5, row.created);
                    BindTag(s, 6, row.name_tag);
                    BindTag(s, 7, row.change_tag);
                    s.Bind(8, static_cast<std::int64_t>(row.bytes)).BindBlob(9, row.metadata);
                  });
  }

  Result<void> InsertSegments(const ObjectId& attachment, const std::vector<Segment>& segments) {
    Result<Statement> put = database.Prepare(
        "INSERT INTO segment(attachment, part, number, sealed) VALUES(?, ?, ?, ?)");
    if (!put) {
      return std::unexpected(put.error());
    }
    for (const Segment& segment : segments) {
      put->BindBlob(0, attachment.bytes())
          .Bind(1, static_cast<std::int64_t>(segment.part))
          .Bind(2, segment.number)
          .BindBlob(3, segment.sealed);
      if (Result<void> done = put->Run(); !done) {
        return done;
      }
    }
    return {};
  }

  Result<void> DeleteById(std::string_view table, ByteView id) {
    return Change(database, "DELETE FROM " + std::string(table) + " WHERE id = ?",
                  [&](Statement& s) { s.BindBlob(0, id); });
  }

  Result<std::vector<AttachmentRow>> Attachments(const std::string& rest, ByteView first,
                                                 ByteView second = {}) {
    return Select<AttachmentRow>(
        database, std::string(kAttachmentColumns) + rest,
        [&](Statement& s) {
          if (!first.empty()) {
            s.BindBlob(0, first);
          }
          if (!second.empty()) {
            s.BindBlob(1, second);
          }
        },
        AttachmentAt);
  }

  Result<void> AddSums(CollectionRow& row) {
    Result<Statement> sums = database.Prepare(
        "SELECT state, count(*), total(bytes) FROM attachment WHERE collection = ? GROUP BY state");
    if (!sums) {
      return std::unexpected(sums.error());
    }
    sums->BindBlob(0, row.id.bytes());
    for (;;) {
      Result<bool> more = sums->Step();
      if (!more) {
        return std::unexpected(more.error());
      }
      if (!*more) {
        return {};
      }
      const auto state = static_cast<std::size_t>(sums->Integer(0));
      if (state < row.in_state.size()) {
        row.in_state[state] = static_cast<std::uint32_t>(sums->Integer(1));
      }
      row.bytes += static_cast<std::uint64_t>(sums->Real(2));
    }
  }

  Result<std::vector<CollectionRow>> Collections(const std::string& rest, auto bind) {
    Result<std::vector<CollectionRow>> rows =
        Select<CollectionRow>(database, std::string(kCollectionColumns) + rest, bind, CollectionAt);
    if (rows) {
      for (CollectionRow& row : *rows) {
        if (Result<void> summed = AddSums(row); !summed) {
          return std::unexpected(summed.error());
        }
      }
    }
    return rows;
  }

  // Runs `body` in a transaction.
  template <typename Body>
  Result<void> Atomically(Body body) {
    Result<Transaction> transaction = Transaction::Begin(database);
    if (!transaction) {
      return std::unexpected(transaction.error());
    }
    if (Result<void> done = body(); !done) {
      return done;
    }
    return transaction->Commit();
  }
};

}  // namespace casemate::storage
