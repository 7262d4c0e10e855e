"""Predictions, and their texts under keys that can be forgotten."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    # The primary key read backwards is a tenant's list, newest first: ids are UUIDv7.
    """
    CREATE TABLE predictions (
        tenant text NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL,
        subject_fingerprint bytea,
        session text,
        decision text NOT NULL CHECK (decision IN ('allow', 'flag', 'block')),
        would_be_decision text NOT NULL CHECK (would_be_decision IN ('allow', 'flag', 'block')),
        score double precision,
        categories json NOT NULL,
        spans json NOT NULL,
        signals json NOT NULL,
        model_name text NOT NULL,
        model_version text NOT NULL,
        model_digest text NOT NULL,
        policy_name text NOT NULL,
        policy_version integer NOT NULL,
        mode text NOT NULL CHECK (mode IN ('enforce', 'monitor')),
        degraded text,
        latency_us bigint NOT NULL,
        text_fingerprint bytea NOT NULL,
        text_length integer NOT NULL,
        request_id text NOT NULL,
        key_id text,
        PRIMARY KEY (tenant, id)
    )
    """,
    # Most predictions allow: this keeps the list of the others short to read and cheap to write.
    """
    CREATE INDEX predictions_not_allowed ON predictions (tenant, decision, id)
    WHERE decision <> 'allow'
    """,
    # A forgotten key stays as a tombstone, lest a spooled frame bring it back.
    """
    CREATE TABLE subject_keys (
        id uuid PRIMARY KEY,
        tenant text NOT NULL,
        subject_fingerprint bytea NOT NULL,
        wrapped_key bytea,
        master_key_id bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        forgotten_at timestamptz,
        CHECK ((wrapped_key IS NULL) = (forgotten_at IS NOT NULL))
    )
    """,
    "CREATE INDEX subject_keys_of_subject ON subject_keys (tenant, subject_fingerprint)",
    """
    CREATE TABLE prediction_texts (
        tenant text NOT NULL,
        prediction_id uuid NOT NULL,
        subject_key_id uuid NOT NULL REFERENCES subject_keys (id),
        ciphertext bytea NOT NULL,
        PRIMARY KEY (tenant, prediction_id),
        FOREIGN KEY (tenant, prediction_id) REFERENCES predictions (tenant, id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX prediction_texts_of_key ON prediction_texts (subject_key_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Drop the tables with what they hold."""
    for table in ("prediction_texts", "subject_keys", "predictions"):
        op.drop_table(table)
