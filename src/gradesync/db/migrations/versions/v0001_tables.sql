-- The tables, their keys and their indexes.

CREATE TABLE district (
    id text PRIMARY KEY CONSTRAINT district_id_given CHECK (id <> ''),
    config jsonb NOT NULL,
    secrets jsonb NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}',
    category_titles jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
-- An installation belongs to one district: a launch must not be able to mean two.
CREATE UNIQUE INDEX district_lti ON district (
    (config #>> '{lti,issuer}'),
    (config #>> '{lti,client_id}'),
    (config #>> '{lti,deployment_id}')
);
CREATE UNIQUE INDEX district_lti11 ON district (
    (config #>> '{lti11,consumer_key}')
);

CREATE TABLE turn (
    district_id text PRIMARY KEY DEFAULT current_setting('gradesync.district'),
    served_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

CREATE TABLE client (
    id text PRIMARY KEY,
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE section_link (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    section_id text NOT NULL,
    title text NOT NULL,
    code text,
    sis_key text,
    sis jsonb,
    teacher text,
    chosen boolean NOT NULL,
    students jsonb NOT NULL DEFAULT '{}',
    sis_categories jsonb NOT NULL DEFAULT '[]',
    categories_read_at timestamptz,
    last_full_read timestamptz,
    rules_hash text NOT NULL,
    PRIMARY KEY (district_id, section_id)
);
CREATE UNIQUE INDEX section_link_sis ON section_link (district_id, sis_key) WHERE sis_key IS NOT NULL;

CREATE TABLE category_pair (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    section_id text NOT NULL,
    category_id text NOT NULL,
    ref_key text NOT NULL,
    ref_value jsonb NOT NULL DEFAULT '{}',
    sis_title text NOT NULL,
    chosen boolean NOT NULL,
    PRIMARY KEY (district_id, section_id, category_id)
);

-- No index on what a sync changes, and room in each page: updates stay in their page.
CREATE TABLE ledger (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    section_id text NOT NULL,
    assignment_id text NOT NULL,
    ref_key text,
    ref_value text,
    spec text,
    sent bytea,
    owed text,
    doubtful text,
    intent text,
    problem text,
    opted_out boolean NOT NULL,
    may_hold boolean NOT NULL,
    PRIMARY KEY (district_id, section_id, assignment_id)
) WITH (fillfactor = 75);
CREATE UNIQUE INDEX ledger_ref ON ledger (district_id, ref_key) WHERE ref_key IS NOT NULL;

CREATE TABLE section_cursor (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    section_id text NOT NULL,
    read_through jsonb NOT NULL,
    PRIMARY KEY (district_id, section_id)
) WITH (fillfactor = 70);

CREATE TABLE sync (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    id uuid NOT NULL,
    section_id text NOT NULL,
    status text NOT NULL,
    stage text NOT NULL,
    applied text NOT NULL,
    mode text NOT NULL,
    dry_run boolean NOT NULL,
    selection jsonb,
    retry_of uuid,
    approve text,
    requested_by_kind text NOT NULL,
    requested_by_id text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    settles_by timestamptz NOT NULL,
    done integer NOT NULL DEFAULT 0,
    total integer,
    assignments jsonb NOT NULL DEFAULT '{}',
    scores jsonb NOT NULL DEFAULT '{}',
    warnings jsonb NOT NULL DEFAULT '{}',
    fingerprint text,
    guard jsonb,
    error_code text,
    error_detail text NOT NULL DEFAULT '',
    lease_token uuid,
    lease_until timestamptz,
    attempt integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    trace text,
    PRIMARY KEY (district_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX sync_one_per_section ON sync (district_id, section_id)
    WHERE status = 'processing' AND NOT dry_run;
CREATE INDEX sync_queued ON sync (district_id, not_before)
    WHERE status = 'processing' AND lease_token IS NULL;
CREATE INDEX sync_leased ON sync (district_id)
    WHERE status = 'processing' AND lease_token IS NOT NULL;
CREATE INDEX sync_due ON sync (settles_by) WHERE status = 'processing';
CREATE INDEX sync_log ON sync (district_id, section_id, dry_run, id);

-- The lengths make the key's order the numeric order of ids. They are plain columns: a generated one in the
-- key would refuse every UPDATE and DELETE once the table is replicated logically.
CREATE TABLE outcome (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    sync_id uuid NOT NULL,
    assignment_length smallint NOT NULL,
    student_length smallint NOT NULL,
    assignment_id text COLLATE "C" NOT NULL,
    student_id text COLLATE "C" NOT NULL,
    title text,
    result text NOT NULL,
    reason text,
    warnings text[],
    before text,
    after text,
    detail text,
    PRIMARY KEY (district_id, sync_id, assignment_length, assignment_id, student_length, student_id)
);

CREATE TABLE used_token (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (district_id, hash)
);

CREATE TABLE idempotency (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    subject text NOT NULL,
    section_id text NOT NULL,
    key text NOT NULL,
    request_hash text NOT NULL,
    response jsonb NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (district_id, subject, section_id, key)
);

CREATE TABLE audit (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    objects text NOT NULL,
    source_ip text,
    hash bytea NOT NULL,
    PRIMARY KEY (district_id, seq)
);

CREATE TABLE tool_key (
    id text PRIMARY KEY,
    sealed text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE webhook (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    id uuid NOT NULL,
    url text NOT NULL,
    secret text NOT NULL,
    old_secret text,
    old_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (district_id, id)
);

CREATE TABLE delivery (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    sync_id uuid NOT NULL,
    payload text NOT NULL,
    status text NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    answer integer,
    error text,
    PRIMARY KEY (district_id, id)
) WITH (fillfactor = 80);
CREATE INDEX delivery_due ON delivery (not_before) WHERE status = 'pending';
CREATE INDEX delivery_log ON delivery (district_id, webhook_id, id);

CREATE TABLE preflight (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    id uuid NOT NULL,
    status text NOT NULL,
    sections text[],
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    settles_by timestamptz NOT NULL,
    done integer NOT NULL DEFAULT 0,
    total integer NOT NULL,
    found integer NOT NULL DEFAULT 0,
    reasons jsonb NOT NULL DEFAULT '{}',
    error_code text,
    error_detail text NOT NULL DEFAULT '',
    read_through text NOT NULL DEFAULT '',
    tries integer NOT NULL DEFAULT 0,
    lease_token uuid,
    lease_until timestamptz,
    not_before timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (district_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX preflight_one_per_district ON preflight (district_id) WHERE status = 'processing';

CREATE TABLE preflight_finding (
    district_id text NOT NULL DEFAULT current_setting('gradesync.district'),
    preflight_id uuid NOT NULL,
    number integer NOT NULL,
    section_id text NOT NULL,
    section_code text NOT NULL,
    assignment_id text NOT NULL,
    title text NOT NULL,
    student_id text NOT NULL,
    result text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (district_id, preflight_id, number)
);
