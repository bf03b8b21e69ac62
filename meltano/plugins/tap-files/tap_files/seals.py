"""Whether a file is still the one that was read: a checksum of the bytes before the place that reading came to."""

from __future__ import annotations

import zlib
from pathlib import Path

SEALED_BYTES = 4096


def seal(path: Path, offset: int) -> int | None:
    """CRC-32 of the last bytes before `offset`; None if the file cannot be read."""
    start = max(0, offset - SEALED_BYTES)
    try:
        with path.open("rb") as source:
            source.seek(start)
            return zlib.crc32(source.read(offset - start))
    except OSError:  # whoever reads the file will say so
        return None
