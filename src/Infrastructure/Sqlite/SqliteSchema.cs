namespace DbAccess.Infrastructure.Sqlite;

/// <summary>The tables, one step per version. A step that has been released is never edited: a file out there has run it.</summary>
internal static class SqliteSchema
{
    public static readonly IReadOnlyList<string> Migrations =
    [
        """
        -- Columns are what is searched by; everything, these included, is in the document. Instants are milliseconds since 1970.
        CREATE TABLE grants (
            id           TEXT NOT NULL PRIMARY KEY,
            version      INTEGER NOT NULL,
            status       TEXT NOT NULL,
            installation TEXT NOT NULL,
            team         TEXT NOT NULL,
            requester    TEXT NOT NULL,
            database     TEXT NOT NULL,
            scope        TEXT NOT NULL,
            role         TEXT,
            created_at   INTEGER NOT NULL,
            expires_at   INTEGER,
            due_at       INTEGER,
            ended_at     INTEGER,
            document     TEXT NOT NULL
        ) STRICT;

        CREATE INDEX grants_due ON grants (due_at, id) WHERE due_at IS NOT NULL;
        CREATE INDEX grants_requester ON grants (team, requester, created_at DESC, id);
        CREATE INDEX grants_live_by_database ON grants (database, created_at DESC, id) WHERE ended_at IS NULL;
        CREATE INDEX grants_live ON grants (created_at DESC, id) WHERE ended_at IS NULL;
        CREATE INDEX grants_status ON grants (status);

        CREATE TABLE events (
            grant_id TEXT NOT NULL REFERENCES grants (id),
            seq      INTEGER NOT NULL,
            at       TEXT NOT NULL,
            type     TEXT NOT NULL,
            by       TEXT NOT NULL,
            "from"   TEXT,
            "to"     TEXT NOT NULL,
            note     TEXT,
            PRIMARY KEY (grant_id, seq)
        ) STRICT, WITHOUT ROWID;

        CREATE TRIGGER events_are_not_edited BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'events are not edited'); END;

        CREATE TABLE inbox (
            key         TEXT NOT NULL PRIMARY KEY,
            alias       TEXT UNIQUE,
            kind        TEXT NOT NULL,
            team        TEXT NOT NULL,
            user        TEXT NOT NULL,
            channel     TEXT,
            text        TEXT NOT NULL,
            received_at TEXT NOT NULL,
            finished_at TEXT
        ) STRICT;

        CREATE INDEX inbox_unfinished ON inbox (received_at) WHERE finished_at IS NULL;
        CREATE INDEX inbox_finished ON inbox (received_at) WHERE finished_at IS NOT NULL;

        CREATE TABLE audit (
            seq         INTEGER NOT NULL PRIMARY KEY,
            at          TEXT NOT NULL,
            action      TEXT NOT NULL,
            by          TEXT NOT NULL,
            subject     TEXT NOT NULL,
            outcome     TEXT NOT NULL,
            correlation TEXT,
            hash        BLOB NOT NULL
        ) STRICT;

        CREATE TRIGGER audit_is_not_edited BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append only'); END;

        CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append only'); END;
        """,
        """
        -- Which process works on a request, and until when nobody else does.
        ALTER TABLE inbox ADD COLUMN held_by TEXT;
        ALTER TABLE inbox ADD COLUMN held_until TEXT;

        -- What ended lately, for the hunt for sessions that come out late.
        CREATE INDEX grants_ended ON grants (ended_at) WHERE ended_at IS NOT NULL;
        """,
        """
        -- That this installation accepted the request.
        ALTER TABLE inbox ADD COLUMN seal TEXT;
        """,
        """
        -- What happened, a grant's own events and everything else, each written with the state that it tells of. Its place in the log and
        -- its leaf hash come later, once (docs/audit-format.md).
        CREATE TABLE evidence (
            id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            at       INTEGER NOT NULL,
            grant_id TEXT,
            number   INTEGER,
            body     TEXT NOT NULL,
            open     TEXT,
            place    INTEGER UNIQUE,
            hash     BLOB
        ) STRICT;

        CREATE UNIQUE INDEX evidence_story ON evidence (grant_id, number) WHERE number IS NOT NULL;
        CREATE INDEX evidence_grant ON evidence (grant_id, place) WHERE grant_id IS NOT NULL;
        CREATE INDEX evidence_unplaced ON evidence (id) WHERE place IS NULL;

        CREATE TRIGGER evidence_is_not_edited BEFORE UPDATE ON evidence
        WHEN old.place IS NOT NULL OR new.id <> old.id OR new.at <> old.at OR new.grant_id IS NOT old.grant_id
            OR new.number IS NOT old.number OR new.body <> old.body OR new.open IS NOT old.open
        BEGIN SELECT RAISE(ABORT, 'the evidence log is append only'); END;

        CREATE TRIGGER evidence_is_not_shortened BEFORE DELETE ON evidence
        BEGIN SELECT RAISE(ABORT, 'the evidence log is append only'); END;

        CREATE TABLE checkpoints (
            size INTEGER NOT NULL PRIMARY KEY,
            at   TEXT NOT NULL,
            note TEXT NOT NULL
        ) STRICT;

        CREATE TABLE log_end (
            one        INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
            version    INTEGER NOT NULL,
            head       TEXT,
            checkpoint TEXT,
            held_by    TEXT,
            held_until INTEGER
        ) STRICT;
        INSERT INTO log_end (one, version) VALUES (1, 0);

        CREATE TABLE marks (
            name  TEXT NOT NULL PRIMARY KEY,
            value TEXT NOT NULL
        ) STRICT;
        """,
        // Between these two, CarriedEvents copies what the two tables hold.
        """
        DROP TABLE events;
        DROP TABLE audit;

        -- For people with a shell and sqlite3; nothing in the product reads them.
        CREATE VIEW events AS SELECT grant_id, number AS seq, json_extract(body, '$.at') AS at, json_extract(body, '$.type') AS type,
            json_extract(body, '$.actor') AS by, json_extract(body, '$.what.from') AS "from", json_extract(body, '$.what.to') AS "to",
            coalesce(json_extract(open, '$.note.value'), json_extract(open, '$.reason.value'), json_extract(open, '$.sql.value')) AS note
            FROM evidence WHERE number IS NOT NULL;

        CREATE VIEW attempts AS SELECT id AS seq, json_extract(body, '$.at') AS at, json_extract(body, '$.type') AS action,
            json_extract(body, '$.actor') AS by, json_extract(body, '$.what.subject') AS subject,
            json_extract(body, '$.outcome') AS outcome, json_extract(body, '$.trace') AS correlation
            FROM evidence WHERE number IS NULL;
        """,
        """
        -- When a grant may go that is over: set when what happened to it is exported.
        ALTER TABLE grants ADD COLUMN purge_at INTEGER;
        CREATE INDEX grants_purge ON grants (purge_at) WHERE purge_at IS NOT NULL;
        """,
        """
        -- All that was asked for since some time, for looking back.
        CREATE INDEX grants_created ON grants (created_at, id);
        """,
    ];

    /// <summary>
    /// How many steps a file has run that holds events and attempts in the tables of before the log, and the log's tables.
    /// </summary>
    public const int BeforeCarrying = 4;
}
