"""Meltano's state, read from where it is committed: the raw tables themselves.

There is no second copy that could be lost, edited or run ahead of the data. A state id names an extractor; its
`load_schema` names the namespace; each table there that has a commit record gives one bookmark. What Meltano writes
after a run is compared with the tables, never stored: the target has committed it with the rows already.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, ClassVar

from meltano.core.error import MeltanoError
from meltano.core.state_store.base import MeltanoState, StateStoreManager
from structlog.stdlib import get_logger
from target_iceberg.record import canonical

from .bookmarks import BookmarkError, Bookmarks
from .state_ids import StateIds

if TYPE_CHECKING:
    from meltano.core.project import Project

logger = get_logger(__name__)
SINGER_STATE = "singer_state"


class IcebergStateStoreManager(StateStoreManager):  # type: ignore[misc]  # Meltano is not typed
    """State backend `iceberg://`.

    Settings `state_backend.iceberg.properties` (JSON) and `state_backend.iceberg.catalog_name`.
    """

    label = "the Iceberg tables"
    _handed_out: ClassVar[set[tuple[str, str, str]]] = set()

    def __init__(
        self, properties: str | None = None, catalog_name: str = "lake", project: Project | None = None, **kwargs: Any
    ) -> None:
        """Keep the settings; the catalog is opened on first use."""
        super().__init__(**kwargs)
        self._bookmarks = Bookmarks(properties, catalog_name)
        self._ids = StateIds(project)

    def get(self, state_id: str) -> MeltanoState | None:
        """The bookmarks of all streams the id's extractor loads, None if none has been committed.

        Raises MeltanoError if records disagree.
        """
        with _shown():
            namespace = self._ids.namespace(state_id)
            bookmarks = {} if namespace is None else self._bookmarks.of_namespace(namespace)
        self._handed_out.update((state_id, stream, canonical(value)) for stream, value in bookmarks.items())
        if not bookmarks:
            return None
        return MeltanoState(state_id, partial_state={}, completed_state={SINGER_STATE: {"bookmarks": bookmarks}})

    def set(self, state: MeltanoState) -> None:
        """Compare with the tables and store nothing: the tables win."""
        written = ((state.completed_state or {}).get(SINGER_STATE) or {}).get("bookmarks") or {}
        with _shown():
            namespace = self._ids.namespace(state.state_id)
            differing = [] if namespace is None else self._bookmarks.differing(namespace, written)
        # a target repeats what it was given of streams that it has yet to come to
        differing = [n for n in differing if (state.state_id, n, canonical(written[n])) not in self._handed_out]
        if differing:
            logger.warning(
                f"State {state.state_id}: the bookmarks given for {', '.join(differing)} are not the tables'. "
                "Nothing was stored: "
                "the next run starts from the tables. To read a stream from its beginning: "
                "TARGET_ICEBERG_FULL_REFRESH=true meltano run --full-refresh"
            )

    def delete(self, state_id: str) -> None:
        """Refuse: a bookmark without its rows, or rows without their bookmark, is what this backend exists to
        prevent.
        """
        raise MeltanoError(
            f"the state {state_id} is part of its tables and cannot be cleared alone",
            instruction="To read everything again: TARGET_ICEBERG_FULL_REFRESH=true meltano run --full-refresh",
        )

    def get_state_ids(self, pattern: str | None = None) -> Iterable[str]:
        """Ids of extractors, with each loader, that have committed something."""
        with _shown():
            held = {namespace for namespace in self._ids.namespaces() if self._bookmarks.of_namespace(namespace)}
            found = [state_id for state_id in self._ids.all() if self._ids.namespace(state_id) in held]
        return [state_id for state_id in found if pattern is None or fnmatch(state_id, pattern)]

    @contextmanager
    def acquire_lock(self, state_id: str, *, retry_seconds: float) -> Generator[None]:  # noqa: ARG002
        """No lock is needed: nothing is stored, and the tables' commits compare and set."""
        yield


@contextmanager
def _shown() -> Generator[None]:
    """Turn the tables' errors into Meltano's, which are shown without a traceback."""
    try:
        yield
    except BookmarkError as error:
        raise MeltanoError(str(error)) from error
