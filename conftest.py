"""Meltano is imported before pytest names the tests under `meltano/` after their folder and so hides the package."""

import meltano  # noqa: F401
