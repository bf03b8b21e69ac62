"""Where Dagster keeps runs and events in the embedded profile: its own SQLite files, with connections that are kept.

Dagster opens a new engine and a new connection for every single event, so SQLite checkpoints its journal and SQLAlchemy
compiles its statements anew each time: 18 ms an event, and a daily run has six hundred. Kept open, an event takes
2 ms. Files and tables are Dagster's, untouched; its own class reads them as well. A commit is in the journal when it
returns but not yet on the platter: what a power cut may cost is the last events of the log, never a row of the lake.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

KEPT = 8  # databases: the index and the latest runs
BUSY_SECONDS = 60


class KeptEventLogStorage(SqliteEventLogStorage):
    """Dagster's event log, one database a run, with the connections of the latest ones kept open."""

    def __init__(self, base_dir: str) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            engine = create_engine(self.conn_string_for_shard(shard), connect_args={"timeout": BUSY_SECONDS})
            event.listen(engine, "connect", _journal_only)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        if len(self._engines) > KEPT:
            self._engines.popitem(last=False)[1].dispose()
        return self._engines[shard]

    def delete_events(self, run_id: str) -> None:
        """A run's events, and the file that held them."""
        super().delete_events(run_id)
        with self._db_lock:
            if engine := self._engines.pop(run_id, None):
                engine.dispose()
            self._initialized_dbs.discard(run_id)
            path = Path(self.path_for_shard(run_id))
            for file in path.parent.glob(f"{path.name}*"):  # its journal too
                file.unlink(missing_ok=True)

    def dispose(self) -> None:
        """Close what was kept."""
        super().dispose()
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()


class KeptStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with `KeptEventLogStorage`; named in `dagster.yaml`, made by Dagster."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptEventLogStorage(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> KeptStorage:
        """Dagster's way of making it."""
        return cls.from_local(inst_data=inst_data, **config_value)


def _journal_only(connection: Any, _record: Any) -> None:
    connection.execute("pragma synchronous = normal")
