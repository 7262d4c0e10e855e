"""The outbox: events that wait to be published."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    # json and not jsonb: the text is published as it is, so that parsing it would be in vain.
    """
    CREATE TABLE outbox (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id uuid NOT NULL,
        stream text NOT NULL,
        type text NOT NULL,
        tenant text NOT NULL,
        subject text,
        data json NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT '-infinity',
        last_error text,
        parked_at timestamptz
    )
    """,
    "CREATE INDEX outbox_parked ON outbox (parked_at) WHERE parked_at IS NOT NULL",
    # The table is emptied as fast as it fills: vacuum by the thousand rows, not by the fraction.
    """
    ALTER TABLE outbox SET (
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000
    )
    """,
)


def upgrade() -> None:
    """Create the table."""
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Drop the table with the events that were never published."""
    op.drop_table("outbox")
