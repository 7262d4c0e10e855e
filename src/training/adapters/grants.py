"""What the service's own role may do, table by table: no more than its code does.

``GRANTS``: table to privileges.
"""

GRANTS = {
    "alembic_version": "SELECT",
    "outbox": "SELECT, INSERT, UPDATE, DELETE",
    "audit_log": "SELECT, INSERT",
    "idempotency_keys": "SELECT, INSERT, UPDATE, DELETE",
    "uploads": "SELECT, INSERT, UPDATE, DELETE",
    "upload_pieces": "SELECT, INSERT, DELETE",
    "dataset_versions": "SELECT, INSERT, UPDATE",
    "dataset_reports": "SELECT, INSERT",
    "dataset_objects": "SELECT, INSERT, DELETE",
    "doomed_objects": "SELECT, INSERT, DELETE",
    "jobs": "SELECT, INSERT, UPDATE",
    "job_events": "SELECT, INSERT",
    "checkpoints": "SELECT, INSERT, UPDATE, DELETE",
    "suites": "SELECT, INSERT, DELETE",
    "suite_datasets": "SELECT, INSERT",
    "evaluations": "SELECT, INSERT",
    "registry_events": "SELECT, INSERT",
    "registry_snapshots": "SELECT, INSERT",
    "models": "SELECT, INSERT, UPDATE, DELETE",
    "model_versions": "SELECT, INSERT, UPDATE, DELETE",
    "rollouts": "SELECT, INSERT, UPDATE",
}
"""The audit log and the history of models can be added to, and never changed."""
