"""API keys, the audit log, and the answers kept for idempotent replays."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    """
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    previous_secret_hash bytea CHECK (octet_length(previous_secret_hash) = 32),
    previous_secret_until timestamptz,
    requests_per_minute integer CHECK (requests_per_minute > 0),
    created_at timestamptz NOT NULL,
    created_by uuid REFERENCES api_keys (id),
    expires_at timestamptz,
    revoked_at timestamptz,
    rotated_at timestamptz,
    last_used_at timestamptz
)
    """,
    """
CREATE INDEX api_keys_by_tenant ON api_keys (tenant, id DESC)
    """,
    """
CREATE TABLE audit_log (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    tenant text NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL
)
    """,
    """
CREATE INDEX audit_log_by_tenant ON audit_log (tenant, id DESC)
    """,
    """
CREATE TABLE idempotent_replies (
    caller uuid NOT NULL REFERENCES api_keys (id),
    name_hash bytea NOT NULL,
    request_hash bytea NOT NULL,
    sealed_reply bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, name_hash)
)
    """,
    """
CREATE INDEX idempotent_replies_by_age ON idempotent_replies (created_at)
    """,
)

# A trigger, so that a key revoked by hand in the database is heard of too. `last_used_at` is left
# out: it changes all the time and opens or closes nothing. So is a new key, of which nobody can
# have a copy yet: its late news would only drop the first one, which an outage may need.
_NOTIFY = (
    """
CREATE FUNCTION notify_api_key_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('api_keys_changed', COALESCE(NEW.id, OLD.id)::text);
    RETURN NULL;
END $$
    """,
    """
CREATE TRIGGER api_key_changed
    AFTER DELETE OR UPDATE OF
        tenant, scopes, secret_hash, previous_secret_hash, previous_secret_until,
        requests_per_minute, expires_at, revoked_at
    ON api_keys FOR EACH ROW EXECUTE FUNCTION notify_api_key_changed()
    """,
)

# The serving role adds to the audit log and can neither change nor remove a line of it.
_GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard_backend') THEN
        GRANT SELECT ON alembic_version TO dashboard_backend;
        GRANT SELECT, INSERT, UPDATE ON api_keys TO dashboard_backend;
        GRANT SELECT, INSERT ON audit_log TO dashboard_backend;
        GRANT SELECT, INSERT, DELETE ON idempotent_replies TO dashboard_backend;
    END IF;
END $$;
"""


def upgrade() -> None:
    """Create everything."""
    for statement in (*_TABLES, *_NOTIFY, _GRANTS):
        op.execute(statement)


def downgrade() -> None:
    """Drop everything, with all keys."""
    op.execute("DROP TABLE idempotent_replies, audit_log, api_keys")
    op.execute("DROP FUNCTION notify_api_key_changed")
