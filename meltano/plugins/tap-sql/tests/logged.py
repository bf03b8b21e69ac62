"""A schema of PostgreSQL whose tables are read from the log, with a publication and a slot of its own."""

from __future__ import annotations

from typing import Any

from conftest import Sent, Source


class Logged(Source):
    """A source whose streams are all LOG_BASED; its publication and slot have the schema's name."""

    @property
    def config(self) -> dict[str, Any]:
        """As a source's."""
        return super().config | {"publication": self.schema, "slot": self.schema}

    @classmethod
    def of(cls, source: Source) -> Logged:
        """The source's schema, with everything in it published."""
        made = cls.__new__(cls)
        made.server, made.schema, made.stage = source.server, source.schema, source.stage
        made.execute(f"create publication {made.schema} for tables in schema {made.schema}")
        return made

    def clear(self) -> None:
        """Leave neither slot nor publication behind."""
        self.drop_slot()
        self.execute(f"drop publication if exists {self.schema}")

    def drop_slot(self) -> None:
        """Drop the slot, if there is one; waits for a killed run's connection to end."""
        self.execute(
            f"do $$ begin for i in 1..100 loop exit when not exists (select from pg_replication_slots "
            f"where slot_name = '{self.schema}' and active); perform pg_sleep(0.05); end loop; end $$"
        )
        self.execute(
            f"select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '{self.schema}'"
        )

    def slot(self) -> str:
        """Up to where the server has been told to forget."""
        sql = f"select confirmed_flush_lsn::text from pg_replication_slots where slot_name = '{self.schema}'"
        return str(self.query(sql)[0][0])

    def selected(self, key: str | None = None) -> dict[str, Any]:
        """The discovered catalog with everything selected."""
        catalog = self.catalog()
        for entry in catalog["streams"]:
            entry["metadata"][0]["metadata"] |= {"selected": True, "replication-method": "LOG_BASED"}
        return catalog

    def bookmark(self, sent: Sent, table: str = "t") -> str:
        """The position that the run left the table's stream at."""
        return str(sent.state["bookmarks"][f"{self.schema}-{table}"]["lsn"])


def told(sent: Sent, table: str = "t") -> list[tuple[Any, ...]]:
    """Operation and own values of each row sent."""
    streams = [name for name in sent.tables if name.endswith(f"-{table}")]
    rows = [row for stream in streams for row in sent.rows(stream)]
    return [(r["_sdc_op"], *(v for n, v in r.items() if not n.startswith("_sdc_"))) for r in rows if "_sdc_op" in r]
