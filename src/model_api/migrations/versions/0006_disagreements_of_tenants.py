"""Disagreements say whose they are: a tenant sees its own."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Say whose each is. Of those that were there, the platform's operator alone sees any."""
    op.execute("ALTER TABLE deployment_disagreements ADD COLUMN tenant text")
    op.execute(
        "CREATE INDEX deployment_disagreements_of_tenant"
        " ON deployment_disagreements (model, tenant, id)"
    )


def downgrade() -> None:
    """Forget whose they are."""
    op.drop_column("deployment_disagreements", "tenant")
