"""Suites can be deleted: what they are made of is forgotten with them."""

from alembic import op

revision = "0007"
down_revision = "0006"

_CONSTRAINT = "suite_datasets_tenant_suite_fkey"


def upgrade() -> None:
    """Let the rows of a suite go with it."""
    _refer("ON DELETE CASCADE")


def downgrade() -> None:
    """Refuse to delete a suite that has rows."""
    _refer("")


def _refer(on_delete: str) -> None:
    op.execute(
        f"ALTER TABLE suite_datasets DROP CONSTRAINT {_CONSTRAINT},"
        f" ADD CONSTRAINT {_CONSTRAINT} FOREIGN KEY (tenant, suite)"
        f" REFERENCES suites (tenant, name) {on_delete}"
    )
