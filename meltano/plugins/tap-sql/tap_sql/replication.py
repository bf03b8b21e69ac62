"""Streams read from the source's log (replication-method LOG_BASED): whole the first time, then every change since.

The first reading sees a snapshot that the server takes at an exact position of its log; the bookmark is that
position, and every later run takes the transactions committed from its bookmark to where the log stood when the run
began. So there is no gap, no overlap and no lock. All tables share one slot, hence one pass over the log; each has a
bookmark of its own, because a run that dies may have committed one table and not the other.

The slot is what makes the server keep its log. It is moved on only to where every bookmark was when the run began,
which are bookmarks that stand in the tables: what this run reads can be read again until the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from .catalog import selections
from .deletes import send_present_keys
from .log_values import LOG_COLUMNS, as_read_whole
from .model import ChangeLog, Selection, Session
from .outbox import Outbox, chunks
from .progress import Progress
from .settings import Settings

logger = logging.getLogger("tap-sql")


class Replication:
    """The log-based part of one run; `state` is the run's and is changed in place."""

    def __init__(self, settings: Settings, log: ChangeLog, state: dict[str, Any], outbox: Outbox) -> None:
        self._settings, self._log, self._state, self._outbox = settings, log, state, outbox

    def run(self, catalog: Mapping[str, Any], chosen: Sequence[Selection]) -> None:
        """Read the log-based streams among the chosen; raises TapError."""
        log_based = [selection for selection in chosen if selection.log_based]
        positions = self._log.begin(log_based, self._state["bookmarks"])
        if positions:
            self._read_log([s for s in log_based if s.table.stream in positions], positions)
        new = {s.table.stream for s in log_based} - positions.keys()
        if self._log.unreadable or new:
            self._read_whole(catalog, self._log.unreadable, new)

    def _read_log(self, going: Sequence[Selection], positions: Mapping[str, int]) -> None:
        for selection in going:
            self._outbox.schema(selection, more=LOG_COLUMNS)
        progress, changed = Progress("log"), set()
        for changes in self._log.changes(going, positions):
            stream = changes.selection.table.stream
            changed.add(stream)
            if changes.rows is not None:
                self._outbox.rows(changes.selection, changes.rows, LOG_COLUMNS)
                progress.add(changes.rows.num_rows)
            if (emptied := changes.emptied) is not None:
                logger.info("%s: the table was truncated", stream)
                marks = {"_sdc_op": "truncate", "_sdc_lsn": emptied.lsn}
                self._outbox.present_keys(changes.selection, None, emptied.at, marks)
        for selection in going:
            stream = selection.table.stream
            told = stream not in self._log.unreadable
            if told and (stream in changed or self._log.moved(positions[stream])):
                self._state["bookmarks"][stream] = self._log.bookmark(selection, self._log.end)
        if not self._log.unreadable:  # a STATE covers all that was sent: it waits until those have been read whole
            self._outbox.state(self._state)
        logger.info("log: %s changes sent, of %s tables", f"{progress.rows:,}", len(changed))
        self._log.release()

    def _read_whole(self, catalog: Mapping[str, Any], begun: set[str], new: set[str]) -> None:
        """Streams that were `begun` in this run come first, while the target holds them open, under one STATE.

        A tap that dies before it leaves all their tables as they were: changes of some have been sent in part.
        """
        with self._log.whole() as (session, position):
            found = {s.table.stream: s for s in selections(catalog, session.tables())}
            for stream in sorted(begun):
                self._read_table(session, found[stream], position)
            if begun:
                self._outbox.state(self._state)
            for stream in sorted(new):
                self._read_table(session, found[stream], position)
                self._outbox.state(self._state)

    def _read_table(self, session: Session, selection: Selection, position: int) -> None:
        stream = selection.table.stream
        again = self._state["bookmarks"].get(stream) is not None
        logger.info("%s: reading the whole table, then its log", stream)
        self._outbox.schema(selection, more=LOG_COLUMNS)
        progress = Progress(stream, session.guess(selection.table))
        for raw in chunks(session.read(session.plan(selection, None).sql), self._settings):
            self._outbox.rows(selection, as_read_whole(raw, position), LOG_COLUMNS)
            progress.add(raw.num_rows)
        if again:  # the lake may hold rows that were deleted unseen
            marks = {"_sdc_op": "delete", "_sdc_lsn": position}
            send_present_keys(session, selection, self._settings, self._outbox, marks)
        self._state["bookmarks"][stream] = self._log.bookmark(selection, position)
        logger.info("%s: %s rows sent", stream, f"{progress.rows:,}")
