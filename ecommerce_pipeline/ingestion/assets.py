"""The raw tables as assets: one op an extractor, one asset a stream, counts read from what was committed.

All streams of an extractor go through one `meltano run`, because its start costs more than most increments; a part of
them can be asked for. What passes by itself (a source that restarts, a table somebody else is writing) is tried
again; anything else ends the op with the one line that says what to do.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    Config,
    Failure,
    MaterializeResult,
    MetadataValue,
    RetryRequested,
    TableColumn,
    TableSchema,
    multi_asset,
)
from pydantic import Field

from ecommerce_pipeline.environment import keep_shell_environment
from ecommerce_pipeline.ingestion import commits, described
from ecommerce_pipeline.ingestion import run as meltano
from ecommerce_pipeline.ingestion.commits import Committed
from ecommerce_pipeline.ingestion.described import Described
from ecommerce_pipeline.ingestion.failures import Line
from ecommerce_pipeline.ingestion.starter import Usage
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.streams import Extractor, Stream, extractors

MAX_RETRIES = 2
FIRST_WAIT_SECONDS = 5
Result = MaterializeResult[Any]


class ExtractConfig(Config):
    """What a run may ask of an extractor."""

    full_refresh: bool = Field(default=False, description="read every row again and replace the raw tables")
    timeout_seconds: float = Field(
        default=6 * 3600.0, gt=0, description="after this time the run is ended and tried again"
    )


def raw_assets(settings: Settings) -> list[AssetsDefinition]:
    """One multi-asset an extractor; raises StreamsError when meltano.yml is missing or wrong."""
    words = described.raw_tables(settings)
    return [_extractor_assets(settings, extractor, words) for extractor in extractors(settings)]


def _extractor_assets(
    settings: Settings, extractor: Extractor, words: Mapping[AssetKey, Described]
) -> AssetsDefinition:
    streams = {stream.raw_key: stream for stream in extractor.streams}

    @multi_asset(
        name=extractor.name.replace("-", "_"),
        specs=[_spec(stream, words.get(key, Described())) for key, stream in streams.items()],
        can_subset=True,
        pool=extractor.name.replace("-", "_"),
    )
    def extract(context: AssetExecutionContext, config: ExtractConfig) -> Iterator[Result]:
        chosen = [stream for key, stream in streams.items() if key in context.selected_asset_keys]
        yield from _Extraction(context, settings, extractor, words).run(chosen, config)

    return extract


class _Extraction:
    """One try of the op; its parts share the context."""

    def __init__(
        self,
        context: AssetExecutionContext,
        settings: Settings,
        extractor: Extractor,
        words: Mapping[AssetKey, Described],
    ) -> None:
        self._context, self._settings, self._extractor, self._words = context, settings, extractor, words
        self._run_id = context.run.run_id

    def run(self, streams: list[Stream], config: ExtractConfig) -> Iterator[Result]:
        began = time.monotonic()
        keep_shell_environment(self._settings)  # a look from the shell reaches what this run reaches
        some = None if len(streams) == len(self._extractor.streams) else [stream.stream_id for stream in streams]
        request = meltano.Request(self._extractor.name, some, self._run_id, config.full_refresh, config.timeout_seconds)
        try:
            used = meltano.run(self._settings, request, self._say)
        except meltano.IngestionError as error:
            self._try_again(error)
            yield from self._results(streams, began, None, only_new=True)
            raise Failure(
                f"{self._extractor.name} stopped. {error}\n"
                "Streams committed before that are kept, the others are as they were.",
                allow_retries=False,
            ) from None
        yield from self._results(streams, began, used)

    def _try_again(self, error: meltano.IngestionError) -> None:
        tries = self._context.retry_number
        if error.transient and tries < MAX_RETRIES:
            wait = FIRST_WAIT_SECONDS * 3**tries
            self._context.log.warning(f"{error}\nThis may pass: trying again in {wait} s")
            raise RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=wait) from error

    def _say(self, line: Line) -> None:
        text = f"{line.speaker}: {line.text}"
        if line.is_error:
            self._context.log.error(text)
        elif line.speaker == "meltano":
            self._context.log.debug(text)
        else:
            (self._context.log.warning if line.level == "warning" else self._context.log.info)(text)

    def _results(
        self, streams: list[Stream], began: float, used: Usage | None, *, only_new: bool = False
    ) -> Iterator[Result]:
        catalog = open_catalog(self._settings)
        try:
            found = commits.of_run(catalog, streams, self._run_id)
        finally:
            catalog.close()
        # one run extracts all streams, so what it took is a fact of the run and repeated on each
        took: dict[str, Any] = {"seconds": round(time.monotonic() - began, 2)}
        if used is not None:
            took |= {"cpu_seconds": round(used.cpu_seconds, 2), "peak_rss": used.peak_rss}
        for key, committed in found.items():
            if committed.is_new or not only_new:
                yield MaterializeResult(asset_key=key, metadata=self._metadata(key, committed) | took)

    def _metadata(self, key: AssetKey, committed: Committed) -> dict[str, Any]:
        return {
            "rows_added": committed.rows_added,
            "dagster/row_count": committed.rows,
            "bytes": committed.bytes,
            # a snapshot id has more digits than a browser's numbers hold
            "snapshot_id": str(committed.snapshot_id),
            "commit_seq": committed.commit_seq,
            "bookmark": MetadataValue.text(committed.bookmark[:500]),
            "rejects": committed.rejects,
            "dagster/column_schema": _column_schema(committed.columns, self._words.get(key, Described())),
        }


def _spec(stream: Stream, words: Described) -> AssetSpec:
    whole = stream.replication_method == "FULL_TABLE"
    kept = (
        "the last version of each key" if stream.mode == "upsert" else "an append-only log of every version extracted"
    )
    manner = "replaced by every run that finds changes" if whole else kept
    metadata: dict[str, Any] = {
        "dagster/table_name": f"lake.{stream.namespace}.{stream.table}",
        "stream": stream.stream_id,
        "replication_method": stream.replication_method,
    }
    if stream.columns:
        metadata["dagster/column_schema"] = _column_schema(stream.columns, words)
    return AssetSpec(
        key=stream.raw_key,
        deps=[stream.source_key],
        group_name="raw",
        kinds={"meltano", "iceberg"},
        owners=[words.owner],
        description=f"{words.description or f'{stream.table} of {stream.system}.'} Raw table, {manner}.".strip(),
        tags={"sensitivity": words.sensitivity} if words.sensitivity else {},
        metadata=metadata,
    )


def _column_schema(columns: Mapping[str, str], words: Described) -> TableSchema:
    return TableSchema(
        columns=[
            TableColumn(
                name=name,
                type=kind,
                description=words.columns.get(name),
                tags={"class": words.classes[name]} if name in words.classes else {},
            )
            for name, kind in columns.items()
        ]
    )
