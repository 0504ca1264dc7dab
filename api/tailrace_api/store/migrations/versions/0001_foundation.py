"""Every table of the foundation: archive, journal, logs, key-value, causes, ledger, outputs, containers."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "causes",
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("flow", sa.String(length=253), nullable=False),
        sa.Column("cause", sa.String(length=253), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("run_uid", sa.String(length=64), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "flow", "cause", name=op.f("pk_causes")),
    )
    op.create_index(op.f("ix_causes_expires_at"), "causes", ["expires_at"])

    op.create_table(
        "claims",
        sa.Column("run_uid", sa.String(length=64), nullable=False),
        sa.Column("pod_uid", sa.String(length=64), nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("run_uid", name=op.f("pk_claims")),
    )
    op.create_index(op.f("ix_claims_renewed_at"), "claims", ["renewed_at"])

    op.create_table(
        "containers",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("run", sa.String(length=253), nullable=False),
        sa.Column("run_uid", sa.String(length=64), nullable=False),
        sa.Column("task", sa.String(length=128), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("args", sa.Text(), nullable=True),
        sa.Column("env", sa.Text(), nullable=True),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("log", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_containers")),
        sa.UniqueConstraint("run_uid", "task", "attempt", name=op.f("uq_containers_run_uid_task_attempt")),
    )
    op.create_index(op.f("ix_containers_done"), "containers", ["done"])

    op.create_table(
        "encryption_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encryption_keys")),
    )
    op.create_table(
        "journal",
        sa.Column("run_uid", sa.String(length=64), nullable=False),
        sa.Column("task", sa.String(length=128), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("outputs", sa.Text(), nullable=True),
        sa.Column("outputs_ref", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("start_time", sa.String(length=40), nullable=True),
        sa.Column("completion_time", sa.String(length=40), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("run_uid", "task", "attempt", name=op.f("pk_journal")),
    )
    op.create_table(
        "kv",
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("key", sa.String(length=253), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "key", name=op.f("pk_kv")),
    )
    op.create_table(
        "ledger",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("trigger", sa.String(length=253), nullable=False),
        sa.Column("trigger_uid", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("run", sa.String(length=253), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
        sa.UniqueConstraint("trigger_uid", "key", name=op.f("uq_ledger_trigger_uid_key")),
    )
    op.create_table(
        "logs",
        sa.Column("run_uid", sa.String(length=64), nullable=False),
        sa.Column("run_attempt", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.String(length=40), nullable=False),
        sa.Column("task", sa.String(length=128), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("run_uid", "run_attempt", "seq", name=op.f("pk_logs")),
    )
    op.create_table(
        "output_pieces",
        sa.Column("upload", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("upload", "position", name=op.f("pk_output_pieces")),
    )
    op.create_index(op.f("ix_output_pieces_created_at"), "output_pieces", ["created_at"])

    op.create_table(
        "outputs",
        sa.Column("run_uid", sa.String(length=64), nullable=False),
        sa.Column("task", sa.String(length=128), nullable=False),
        sa.Column("upload", sa.String(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("run_uid", "task", name=op.f("pk_outputs")),
    )
    op.create_index(op.f("ix_outputs_upload"), "outputs", ["upload"])

    op.create_table(
        "runs",
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=253), nullable=False),
        sa.Column("flow", sa.String(length=253), nullable=False),
        sa.Column("flow_id", sa.String(length=64), nullable=True),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_created_at_uid"), "runs", ["created_at", "uid"])
    op.create_index(op.f("ix_runs_flow_id_created_at"), "runs", ["flow_id", "created_at"])
    op.create_index(op.f("ix_runs_id"), "runs", ["id"])
    op.create_index(op.f("ix_runs_namespace_name"), "runs", ["namespace", "name"])


def downgrade() -> None:
    """Back."""
    op.drop_table("runs")
    op.drop_table("outputs")
    op.drop_table("output_pieces")
    op.drop_table("logs")
    op.drop_table("ledger")
    op.drop_table("kv")
    op.drop_table("journal")
    op.drop_table("encryption_keys")
    op.drop_table("containers")
    op.drop_table("claims")
    op.drop_table("causes")
