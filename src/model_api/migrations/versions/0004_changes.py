"""Feedback, the audit log, and the answers kept for repeated requests."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
    CREATE TABLE feedback (
        tenant text NOT NULL,
        id uuid NOT NULL,
        prediction_id uuid NOT NULL,
        label text NOT NULL CHECK (label IN ('attack', 'benign')),
        note text,
        created_at timestamptz NOT NULL,
        actor text NOT NULL,
        PRIMARY KEY (tenant, id),
        FOREIGN KEY (tenant, prediction_id) REFERENCES predictions (tenant, id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX feedback_on_prediction ON feedback (tenant, prediction_id, id)",
    """
    CREATE TABLE audit_log (
        tenant text NOT NULL,
        id uuid NOT NULL,
        at timestamptz NOT NULL,
        actor text NOT NULL,
        action text NOT NULL,
        target text NOT NULL,
        request_id text,
        details json NOT NULL,
        PRIMARY KEY (tenant, id)
    )
    """,
    """
    CREATE TABLE idempotency_keys (
        tenant text NOT NULL,
        key text NOT NULL,
        operation text NOT NULL,
        request_hash bytea NOT NULL,
        result bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, key)
    )
    """,
    "CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Drop the tables with what they hold."""
    for table in ("idempotency_keys", "audit_log", "feedback"):
        op.drop_table(table)
