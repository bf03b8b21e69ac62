"""pyarrow imports pandas, where it happens to be installed, as soon as it is given a list: half a CPU-second for
nothing, in every run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002
        """Say that pandas is not installed, and nothing of other modules."""
        if name == "pandas":
            raise ModuleNotFoundError("pandas is kept out of this process", name=name)
        return None


def without_pandas() -> None:
    """Keep pandas out of this process; for commands, not for libraries."""
    sys.meta_path.insert(0, _NoPandas())
