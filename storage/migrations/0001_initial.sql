-- The first schema. INTEGER, TEXT and BLOB only; truth values are 0 and 1; times are UTC seconds.
-- The table meta (key, value) stands already: it holds the schema's number.

CREATE TABLE principal (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  email TEXT,
  password_hash TEXT,
  credential_revision INTEGER NOT NULL,
  disabled INTEGER NOT NULL,
  created INTEGER NOT NULL
);

CREATE INDEX principal_email ON principal (LOWER(email));

CREATE TABLE app_password (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  principal_id INTEGER NOT NULL REFERENCES principal (id),
  label TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  read_only INTEGER NOT NULL,
  expires INTEGER,
  last_used INTEGER,
  created INTEGER NOT NULL
);

CREATE INDEX app_password_principal ON app_password (principal_id);

-- Ids are never used twice, so that a token or URL of a removed collection cannot mean another one.
-- members and size count the live objects, so that a quota costs no listing.
CREATE TABLE collection (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  owner_id INTEGER NOT NULL REFERENCES principal (id),
  parent_id INTEGER REFERENCES collection (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  components TEXT NOT NULL,
  revision INTEGER NOT NULL,
  floor INTEGER NOT NULL,
  properties TEXT NOT NULL,
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  members INTEGER NOT NULL,
  size INTEGER NOT NULL
);

CREATE UNIQUE INDEX collection_name ON collection (parent_id, name) WHERE deleted = 0;

CREATE UNIQUE INDEX collection_home ON collection (owner_id, kind) WHERE parent_id IS NULL;

CREATE INDEX collection_owner ON collection (owner_id);

CREATE INDEX collection_parent ON collection (parent_id);

-- One row per name; a deleted object stays as its own tombstone. starts and ends are never NULL:
-- the smallest and largest values stand for unbounded, so that one range of the index finds both.
CREATE TABLE object (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  collection_id INTEGER NOT NULL REFERENCES collection (id),
  name TEXT NOT NULL,
  uid TEXT NOT NULL,
  component TEXT NOT NULL,
  revision INTEGER NOT NULL,
  created_revision INTEGER NOT NULL,
  body_revision INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  etag TEXT NOT NULL,
  size INTEGER NOT NULL,
  starts INTEGER NOT NULL,
  ends INTEGER NOT NULL,
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  properties TEXT NOT NULL,
  UNIQUE (collection_id, name)
);

CREATE UNIQUE INDEX object_revision ON object (collection_id, revision);

CREATE UNIQUE INDEX object_uid ON object (collection_id, uid) WHERE deleted = 0;

CREATE INDEX object_time ON object (collection_id, component, ends, starts) WHERE deleted = 0;

CREATE TABLE version (
  object_id INTEGER NOT NULL REFERENCES object (id),
  revision INTEGER NOT NULL,
  body BLOB NOT NULL,
  etag TEXT NOT NULL,
  actor TEXT NOT NULL,
  device TEXT,
  at INTEGER NOT NULL,
  PRIMARY KEY (object_id, revision)
);
