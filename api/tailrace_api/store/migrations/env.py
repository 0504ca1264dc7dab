"""How alembic reaches the database: over the connection that `tailrace_api.store.migrate` holds."""

from alembic import context

from tailrace_api.store import store as _tables  # noqa: F401 - imports every table
from tailrace_api.store.base import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
