"""Set-up of Alembic: migrations run over the connection, and in the transaction, that the caller gives."""

from alembic import context

from digests.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
