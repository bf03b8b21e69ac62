"""What a source table comes to: its rows, and the sums of its amounts; asked after an ingestion, to be held against the
lake. One query a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from ecommerce_pipeline.environment import resolved, variables
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.sources import sql
from ecommerce_pipeline.sources.observation import SourceError
from ecommerce_pipeline.streams import Extractor, Stream


def of_table(
    settings: Settings, extractor: Extractor, stream: Stream, amounts: Sequence[str], since: datetime | None
) -> list[Decimal]:
    """Rows, then rows written after `since` (naive UTC, by the replication key; 0 without one), then the sum of each
    amount; raises SourceError.
    """
    url = resolved(str(extractor.config.get("url", "")), variables(settings))
    quote = "`" if sql.kind(url) == "mysql" else '"'
    key = stream.replication_key
    later = f"sum(case when {quote}{key}{quote} > timestamp '{since}' then 1 else 0 end)" if since and key else "0"
    sums = [later, *(f"sum({quote}{name}{quote})" for name in amounts)]
    wanted = ", ".join(["count(*)", *(f"coalesce({one}, 0)" for one in sums)])
    table = f"{quote}{stream.system}{quote}.{quote}{stream.table}{quote}"
    try:
        with sql.asking(url) as ask:
            # as one text, because that is what both drivers give without a loss
            row = ask(f"SELECT concat_ws(' ', {wanted}) FROM {table}")  # noqa: S608 - names of our own files, quoted
    except Exception as error:  # each driver has its own hierarchy, and all that fails here is the source
        said = " ".join(str(error).split())
        raise SourceError(
            f"{stream.system}.{stream.table} could not be counted ({said}). Next: check that its system runs"
        ) from error
    return [Decimal(part) for part in str(row).split()]
