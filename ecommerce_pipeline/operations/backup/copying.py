"""Many files at a time, with a word now and then on how far it is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

LOG = logging.getLogger("ecommerce_pipeline.operations.backup")
WORKERS = 8
TELL_EVERY = 5.0  # seconds
Given = TypeVar("Given")
Made = TypeVar("Made")


def each(what: str, work: Callable[[Given], Made], given: Iterable[Given], size: Callable[[Given], int]) -> list[Made]:
    """`work` on everything given, in no order; the first error ends it, what is under way is waited for."""
    wanted = list(given)
    whole, done, told, made = sum(map(size, wanted)), 0, time.monotonic(), []
    LOG.info("%s: %d files, %.1f MB", what, len(wanted), whole / 1e6)
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = {pool.submit(work, one): one for one in wanted}
        try:
            for number, future in enumerate(as_completed(futures), 1):
                made.append(future.result())
                done += size(futures[future])
                if time.monotonic() - told > TELL_EVERY:
                    told = time.monotonic()
                    LOG.info("%s: %d of %d files, %.0f of %.0f MB", what, number, len(wanted), done / 1e6, whole / 1e6)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return made
