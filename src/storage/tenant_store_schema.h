#pragma once

#include <array>
#include <string_view>

// Numbered migrations of a tenant's store.db. Never change one that was released.
namespace casemate::storage {

inline constexpr std::array<std::string_view, 2> kTenantMigrations = {R"sql(
CREATE TABLE tenant(id BLOB NOT NULL CHECK(length(id) = 16)) STRICT;

CREATE TABLE file(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL UNIQUE CHECK(length(id) = 16),
  slot INTEGER NOT NULL,
  created INTEGER NOT NULL,
  object TEXT NOT NULL UNIQUE,
  metadata BLOB NOT NULL
) STRICT;

CREATE TABLE collection(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL UNIQUE CHECK(length(id) = 16),
  slot INTEGER NOT NULL,
  created INTEGER NOT NULL,
  name_tag BLOB NOT NULL CHECK(length(name_tag) = 32),
  metadata BLOB NOT NULL
) STRICT;
CREATE INDEX collection_by_name ON collection(name_tag);

CREATE TABLE attachment(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL UNIQUE CHECK(length(id) = 16),
  slot INTEGER NOT NULL,
  file BLOB NOT NULL REFERENCES file(id) ON DELETE CASCADE,
  collection BLOB NOT NULL REFERENCES collection(id) ON DELETE CASCADE,
  state INTEGER NOT NULL CHECK(state BETWEEN 1 AND 4),
  created INTEGER NOT NULL,
  name_tag BLOB CHECK(length(name_tag) = 32),
  change_tag BLOB CHECK(length(change_tag) = 32),
  bytes INTEGER NOT NULL,
  metadata BLOB NOT NULL,
  UNIQUE(collection, file)
) STRICT;
CREATE INDEX attachment_by_file ON attachment(file);
CREATE INDEX attachment_by_name ON attachment(collection, name_tag);
CREATE INDEX attachment_by_state ON attachment(collection, state, bytes);

CREATE TABLE segment(
  attachment BLOB NOT NULL REFERENCES attachment(id) ON DELETE CASCADE,
  part INTEGER NOT NULL,
  number INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY(attachment, part, number)
) STRICT;

CREATE TABLE pending_erasure(
  id BLOB PRIMARY KEY CHECK(length(id) = 16),
  slot INTEGER NOT NULL
) STRICT;
)sql",
                                                                      R"sql(
CREATE TABLE batch(
  id BLOB PRIMARY KEY CHECK(length(id) = 16),
  collection BLOB NOT NULL REFERENCES collection(id) ON DELETE CASCADE,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX batch_by_collection ON batch(collection);

CREATE TABLE batch_member(
  batch BLOB NOT NULL REFERENCES batch(id) ON DELETE CASCADE,
  attachment BLOB NOT NULL REFERENCES attachment(id) ON DELETE CASCADE,
  PRIMARY KEY(batch, attachment)
) STRICT;
CREATE INDEX batch_member_by_attachment ON batch_member(attachment);
)sql"};

}  // namespace casemate::storage
