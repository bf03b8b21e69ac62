"""The source tables as observable assets: where lineage begins, and what each source holds at a look.

They are made from `meltano.yml` like the raw tables that read them. Observing is cheap and changes nothing; a source
that cannot be reached fails its observation with one clear line and nothing else.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetsDefinition,
    AssetSpec,
    DataVersion,
    Failure,
    ObserveResult,
    multi_observable_source_asset,
)
from dagster._utils.warnings import BetaWarning

from ecommerce_pipeline.environment import resolved, variables
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.sources import files, hubspot, sql
from ecommerce_pipeline.sources.observation import Observation, SourceError
from ecommerce_pipeline.streams import Extractor, Stream, extractors

OWNER = "team:data-platform"
_observable: Callable[..., Callable[[Any], AssetsDefinition]] = multi_observable_source_asset


def source_assets(settings: Settings) -> list[AssetsDefinition]:
    """One observing op an extractor, one asset a source table; raises StreamsError when meltano.yml is wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BetaWarning)  # the decorator's future is not a user's concern
        return [_observed(settings, extractor) for extractor in extractors(settings)]


def _observed(settings: Settings, extractor: Extractor) -> AssetsDefinition:
    configured = texts(settings, extractor)

    @_observable(
        name=f"observe_{extractor.name.removeprefix('tap-').replace('-', '_')}",
        specs=[_spec(stream, extractor, configured) for stream in extractor.streams],
        can_subset=True,
    )
    def observe(context: AssetExecutionContext) -> Iterator[ObserveResult]:
        chosen = [stream for stream in extractor.streams if stream.source_key in context.selected_asset_keys]
        # addresses are read when they are used: a port may have moved since the graph was loaded
        try:
            found = look(extractor, texts(settings, extractor), chosen)
        except SourceError as error:
            raise Failure(f"{extractor.system} could not be observed. {error}", allow_retries=False) from error
        for stream in chosen:
            seen = found[stream.stream_id]
            yield ObserveResult(
                asset_key=stream.source_key, data_version=DataVersion(seen.version), metadata=dict(seen.metadata)
            )

    return observe


def look(extractor: Extractor, configured: Mapping[str, str], streams: list[Stream]) -> dict[str, Observation]:
    """Observe the streams, by stream id; raises SourceError. `configured` holds the extractor's texts, resolved."""
    declared = {entry["name"]: entry for entry in extractor.config.get("streams", ())}
    if extractor.plugin == "tap-files":
        return {s.stream_id: files.observe(configured.get("path", ""), declared[s.stream_id]) for s in streams}
    if extractor.plugin == "tap-hubspot":
        url, token = configured.get("url", ""), configured.get("token", "")
        return {s.stream_id: hubspot.observe(url, token, declared[s.stream_id]) for s in streams}
    return sql.observe(configured.get("url", ""), streams)


def texts(settings: Settings, extractor: Extractor) -> dict[str, str]:
    """The extractor's texts of meltano.yml, with what the settings say in place of `$NAMES`."""
    known = variables(settings)
    return {name: resolved(value, known) for name, value in extractor.config.items() if isinstance(value, str)}


def _spec(stream: Stream, extractor: Extractor, configured: Mapping[str, str]) -> AssetSpec:
    kind = _kind(stream, extractor, configured)
    return AssetSpec(
        key=stream.source_key,
        group_name="sources",
        kinds={kind},
        owners=[OWNER],
        description=f"{stream.table} in the source system {stream.system} ({kind}), as the system itself holds it.",
        metadata={"extractor": extractor.name, "stream": stream.stream_id},
    )


def _kind(stream: Stream, extractor: Extractor, configured: Mapping[str, str]) -> str:
    declared: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in extractor.config.get("streams", ())}
    if extractor.plugin == "tap-files":
        return files.kind(declared[stream.stream_id])
    return "hubspot" if extractor.plugin == "tap-hubspot" else sql.kind(configured.get("url", ""))
