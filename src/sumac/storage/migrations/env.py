"""Runs the revisions in the transaction that `sumac.storage.migrate` has opened; there is no other way in.

Revisions go forward only: the way back from one is the backup made before it.
"""

from alembic import context

from sumac.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
