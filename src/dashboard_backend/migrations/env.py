"""Alembic's entry: the connection is handed over by `adapters.schema`, never configured here."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()
