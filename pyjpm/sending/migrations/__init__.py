"""The journal's schema, version by version, by Alembic; run in this process, without an ini file or an env.py.

Decisions that govern this package:

* ``versions/schema_N.py`` has the revision ``000N`` and leads from the version before to ``SCHEMA_VERSION`` N. It is
  written out, not derived from the tables of today, which go on changing.
* Only upwards: a journal that an older version should read again comes from a copy made before.
* SQLite cannot alter a constraint: there, a table is made anew and its rows carried over (Alembic's batch mode), all
  in the one transaction of the migration.
"""

from __future__ import annotations

from typing import Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from pyjpm.sending.schema import VERSION_TABLE

_LOCATION: Final = "pyjpm.sending:migrations"


def upgrade(connection: Connection, revision: str) -> None:
    """Migrate to a revision, in the transaction that is open on this connection."""
    config = Config()
    config.set_main_option("script_location", _LOCATION)
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    with EnvironmentContext(
        config, scripts, fn=lambda current, _: scripts._upgrade_revs(revision, current), destination_rev=revision
    ) as environment:
        environment.configure(connection=connection, version_table=VERSION_TABLE, render_as_batch=True)
        environment.run_migrations()
