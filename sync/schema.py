"""The tables of the sync state, and how a file of them is made and recognised."""

APPLICATION_ID = 0x64766E70
VERSION = 1

# `member` is what a side was last seen to hold, `item` what both sides last agreed on. An item's
# two bases move together, in one transaction; a member moves whenever its side is read.
TABLES = (
    """CREATE TABLE pair (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        side_a TEXT NOT NULL,
        side_b TEXT NOT NULL,
        mode TEXT NOT NULL,
        config_hash TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE collection (
        id INTEGER PRIMARY KEY,
        pair INTEGER NOT NULL REFERENCES pair,
        name TEXT NOT NULL,
        status TEXT NOT NULL DEFAULT 'new',
        reason TEXT NOT NULL DEFAULT '',
        until REAL,
        config_hash TEXT NOT NULL DEFAULT '',
        revision INTEGER NOT NULL DEFAULT 0,
        UNIQUE (pair, name)
    ) STRICT""",
    # `faithful` and `rewritten` count verified writes by whether the body came back in its meaning.
    """CREATE TABLE reading (
        collection INTEGER NOT NULL REFERENCES collection,
        side TEXT NOT NULL,
        href TEXT NOT NULL DEFAULT '',
        identity TEXT NOT NULL DEFAULT '',
        cursor TEXT,
        audited REAL NOT NULL DEFAULT 0,
        members INTEGER NOT NULL DEFAULT 0,
        faithful INTEGER NOT NULL DEFAULT 0,
        rewritten INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (collection, side)
    ) STRICT""",
    """CREATE TABLE blob (
        sha TEXT PRIMARY KEY,
        body BLOB NOT NULL,
        fingerprint TEXT NOT NULL,
        uid TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE member (
        collection INTEGER NOT NULL REFERENCES collection,
        side TEXT NOT NULL,
        href TEXT NOT NULL,
        etag TEXT NOT NULL,
        sha TEXT,
        state TEXT NOT NULL,
        PRIMARY KEY (collection, side, href)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX member_state ON member (collection, side, state)",
    """CREATE TABLE item (
        id INTEGER PRIMARY KEY,
        collection INTEGER NOT NULL REFERENCES collection,
        uid_a TEXT NOT NULL,
        uid_b TEXT NOT NULL,
        href_a TEXT NOT NULL,
        href_b TEXT NOT NULL,
        base_a TEXT NOT NULL REFERENCES blob,
        base_b TEXT NOT NULL REFERENCES blob,
        written_b INTEGER NOT NULL,
        UNIQUE (collection, href_a),
        UNIQUE (collection, href_b)
    ) STRICT""",
    "CREATE INDEX item_uid_a ON item (collection, uid_a)",
    "CREATE INDEX item_uid_b ON item (collection, uid_b)",
    """CREATE TABLE trash (
        id INTEGER PRIMARY KEY,
        collection INTEGER NOT NULL REFERENCES collection,
        run INTEGER NOT NULL,
        side TEXT NOT NULL,
        href TEXT NOT NULL,
        sha TEXT NOT NULL REFERENCES blob,
        at REAL NOT NULL
    ) STRICT""",
    """CREATE TABLE quarantine (
        collection INTEGER NOT NULL REFERENCES collection,
        side TEXT NOT NULL,
        href TEXT NOT NULL,
        etag TEXT NOT NULL,
        reason TEXT NOT NULL,
        first_seen REAL NOT NULL,
        PRIMARY KEY (collection, side, href)
    ) STRICT, WITHOUT ROWID""",
    # What stands still until either version changes: parked by a refusal, or in conflict.
    """CREATE TABLE held (
        collection INTEGER NOT NULL REFERENCES collection,
        key TEXT NOT NULL,
        kind TEXT NOT NULL,
        sha_a TEXT,
        sha_b TEXT,
        base_a TEXT,
        base_b TEXT,
        reason TEXT NOT NULL,
        since REAL NOT NULL,
        shown INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (collection, key)
    ) STRICT, WITHOUT ROWID""",
    # One row for each request that changes a side; `action` joins those of one item in one run.
    """CREATE TABLE intent (
        id INTEGER PRIMARY KEY,
        collection INTEGER NOT NULL REFERENCES collection,
        run INTEGER NOT NULL,
        action INTEGER NOT NULL,
        key TEXT NOT NULL,
        side TEXT NOT NULL,
        op TEXT NOT NULL,
        href TEXT NOT NULL,
        precondition TEXT NOT NULL,
        old_sha TEXT,
        payload TEXT,
        item INTEGER,
        other_href TEXT,
        other_sha TEXT,
        state TEXT NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        written_href TEXT,
        written_etag TEXT,
        note TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE INDEX intent_state ON intent (collection, state)",
    "CREATE INDEX intent_run ON intent (run, action)",
    """CREATE TABLE run (
        id INTEGER PRIMARY KEY,
        collection INTEGER NOT NULL REFERENCES collection,
        started REAL NOT NULL,
        finished REAL,
        outcome TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    """CREATE TABLE event (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES run,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT""",
)
