"""Chance without state: the authority on everything that is simulated.

Each draw is a hash of (seed, purpose, keys), so a row's simulated values do not depend on which other rows are made, in
what order, or when. That is what makes seeding to day D + 7 equal to seeding to D and letting seven days pass.
SplitMix64's finaliser is used because it is the same on every machine and library version, which the hash functions of
data-frame libraries do not promise.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

Keys: TypeAlias = "pl.Series | npt.NDArray[np.int64] | int"
Bits: TypeAlias = npt.NDArray[np.uint64]
DAY = 86_400_000_000  # microseconds
HOUR, MINUTE, SECOND = DAY // 24, DAY // 1440, 1_000_000


def _mix(state: Bits) -> Bits:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _bits_of(keys: Keys) -> Bits:
    values = keys.to_numpy() if isinstance(keys, pl.Series) else np.atleast_1d(np.asarray(keys))
    return values.astype(np.int64).view(np.uint64)


@dataclass(frozen=True)
class Draws:
    """The company's chance, by its seed. Keys are integers; several are combined; all arrays have the keys' length."""

    seed: int

    def bits(self, purpose: str, *keys: Keys) -> Bits:
        """64 even random bits for each key."""
        start = hashlib.blake2b(f"{self.seed}/{purpose}".encode(), digest_size=8).digest()
        state = np.array([int.from_bytes(start, "little")], dtype=np.uint64)
        for key in keys:
            state = _mix((state + np.uint64(0x9E3779B97F4A7C15)) ^ _mix(_bits_of(key) + np.uint64(0x632BE59BD9B4E019)))
        return state

    def share(self, purpose: str, *keys: Keys) -> npt.NDArray[np.float64]:
        """A number in [0, 1) for each key."""
        return (self.bits(purpose, *keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def below(self, limit: int | npt.NDArray[np.int64], purpose: str, *keys: Keys) -> npt.NDArray[np.int64]:
        """A whole number in [0, limit) for each key; `limit` may differ from key to key."""
        return np.minimum((self.share(purpose, *keys) * limit).astype(np.int64), np.asarray(limit, np.int64) - 1)

    def pick(self, choices: pl.Series, purpose: str, *keys: Keys) -> pl.Series:
        """One of `choices` for each key."""
        return choices.gather(self.below(len(choices), purpose, *keys))

    def span(self, low: int, high: int, purpose: str, *keys: Keys) -> pl.Series:
        """A duration in [low, high) microseconds for each key."""
        return pl.Series(low + self.below(high - low, purpose, *keys)).cast(pl.Duration("us"))


def as_uuid(high: Bits, low: Bits) -> pl.Series:
    """Version-4 shaped UUIDs of the two halves."""
    high = (high & np.uint64(0xFFFFFFFFFFFF0FFF)) | np.uint64(0x4000)
    low = (low & np.uint64(0x3FFFFFFFFFFFFFFF)) | np.uint64(0x8000000000000000)
    text = as_hex(np.column_stack([high, low]))
    parts = [text.str.slice(start, length) for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
    return pl.select(pl.concat_str(parts, separator="-")).to_series()


def as_hex(bits: Bits) -> pl.Series:
    """Each row of `bits` as hexadecimal text, 16 digits a number."""
    width = 8 * (bits.shape[1] if bits.ndim == 2 else 1)
    raw = np.ascontiguousarray(bits.astype(">u8")).tobytes()
    return pl.Series([raw[at : at + width] for at in range(0, len(raw), width)], dtype=pl.Binary).bin.encode("hex")
