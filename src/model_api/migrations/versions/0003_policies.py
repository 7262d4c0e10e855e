"""Policies as they are, and every version they ever had."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
    CREATE TABLE policies (
        tenant text NOT NULL,
        name text NOT NULL,
        version integer NOT NULL,
        document json NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (tenant, name)
    )
    """,
    # A deletion takes a version too, so that a name and a version never mean two things.
    """
    CREATE TABLE policy_history (
        change bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant text NOT NULL,
        name text NOT NULL,
        version integer NOT NULL,
        document json,
        changed_at timestamptz NOT NULL,
        changed_by text NOT NULL,
        UNIQUE (tenant, name, version)
    )
    """,
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Drop the tables with what they hold."""
    for table in ("policy_history", "policies"):
        op.drop_table(table)
