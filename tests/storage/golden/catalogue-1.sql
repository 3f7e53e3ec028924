CREATE TABLE sources (
    id VARCHAR(100) NOT NULL,
    name TEXT NOT NULL,
    home TEXT NOT NULL,
    toml TEXT NOT NULL,
    revision INTEGER NOT NULL,
    added_at VARCHAR(27) NOT NULL,
    last_manifest_sha256 VARCHAR(64),
    owner TEXT,
    owned_until VARCHAR(27),
    PRIMARY KEY (id)
);
CREATE TABLE leads (
    id INTEGER NOT NULL,
    source_id VARCHAR(100) NOT NULL,
    identity VARCHAR(64) NOT NULL,
    url TEXT NOT NULL,
    kind VARCHAR(16) NOT NULL,
    via TEXT,
    method VARCHAR(16),
    depth INTEGER NOT NULL,
    hints JSON NOT NULL,
    first_seen VARCHAR(27) NOT NULL,
    last_seen VARCHAR(27) NOT NULL,
    state VARCHAR(16) NOT NULL,
    reason TEXT,
    detail TEXT,
    attempts INTEGER NOT NULL,
    visited_at VARCHAR(27),
    queue INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    rank BIGINT NOT NULL,
    next_due VARCHAR(27),
    etag TEXT,
    last_modified TEXT,
    capture_id BIGINT,
    PRIMARY KEY (id),
    CONSTRAINT one_lead_per_url UNIQUE (source_id, identity),
    FOREIGN KEY(source_id) REFERENCES sources (id)
);
CREATE INDEX leads_by_state ON leads (source_id, state);
CREATE INDEX leads_by_due ON leads (source_id, queue, next_due);
CREATE INDEX leads_by_turn ON leads (source_id, queue, priority, rank, id);
CREATE TABLE captures (
    id INTEGER NOT NULL,
    source_id VARCHAR(100) NOT NULL,
    lead_id BIGINT,
    url TEXT NOT NULL,
    date VARCHAR(27) NOT NULL,
    record_type VARCHAR(16) NOT NULL,
    status INTEGER,
    mime TEXT,
    "key" TEXT NOT NULL,
    "offset" BIGINT NOT NULL,
    length BIGINT NOT NULL,
    record_id VARCHAR(64) NOT NULL,
    payload_digest VARCHAR(80),
    truncated VARCHAR(16),
    ip_address VARCHAR(64),
    protocol VARCHAR(32),
    refers_to VARCHAR(64),
    PRIMARY KEY (id),
    FOREIGN KEY(source_id) REFERENCES sources (id)
);
CREATE INDEX captures_by_digest ON captures (source_id, payload_digest);
CREATE INDEX captures_by_record ON captures (record_id);
CREATE INDEX captures_by_lead ON captures (lead_id);
CREATE TABLE versions (
    id INTEGER NOT NULL,
    source_id VARCHAR(100) NOT NULL,
    lead_id BIGINT,
    article VARCHAR(64) NOT NULL,
    record_id VARCHAR(64) NOT NULL,
    version INTEGER NOT NULL,
    url TEXT NOT NULL,
    canonical_url TEXT,
    headline TEXT,
    date_published TEXT,
    in_language VARCHAR(35),
    content_digest VARCHAR(80) NOT NULL,
    captured_at VARCHAR(27) NOT NULL,
    records_key TEXT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT one_row_per_version UNIQUE (source_id, article, version),
    FOREIGN KEY(source_id) REFERENCES sources (id)
);
CREATE INDEX versions_by_lead ON versions (lead_id);
CREATE TABLE observations (
    id INTEGER NOT NULL,
    source_id VARCHAR(100) NOT NULL,
    lead_id BIGINT,
    article VARCHAR(64),
    url TEXT NOT NULL,
    at VARCHAR(27) NOT NULL,
    outcome VARCHAR(24) NOT NULL,
    detail TEXT,
    capture_record_id VARCHAR(64),
    PRIMARY KEY (id),
    FOREIGN KEY(source_id) REFERENCES sources (id)
);
CREATE INDEX observations_by_article ON observations (source_id, article);
CREATE TABLE segments (
    stem VARCHAR(200) NOT NULL,
    source_id VARCHAR(100) NOT NULL,
    "key" TEXT NOT NULL,
    sealed_at VARCHAR(27) NOT NULL,
    bytes BIGINT NOT NULL,
    records INTEGER NOT NULL,
    manifest_key TEXT NOT NULL,
    manifest_sha256 VARCHAR(64) NOT NULL,
    PRIMARY KEY (stem),
    FOREIGN KEY(source_id) REFERENCES sources (id)
);
CREATE TABLE runs (
    id INTEGER NOT NULL,
    source_id VARCHAR(100) NOT NULL,
    started_at VARCHAR(27) NOT NULL,
    ended_at VARCHAR(27),
    outcome VARCHAR(24),
    counts JSON NOT NULL,
    problems JSON NOT NULL,
    complete BOOLEAN NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(source_id) REFERENCES sources (id)
);
