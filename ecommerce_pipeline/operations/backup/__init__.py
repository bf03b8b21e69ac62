"""Backup and restore of the lake: its pointers and every file they reach, together.

The pointers are read first, in one moment, then the files they name are copied. Iceberg never changes a file, and a
publication is one transaction, so nothing has to stand still: what a writer adds meanwhile belongs to the next backup,
and what it replaces stays for upkeep's grace of a day. `archive` is the authority on the folder, `account` on who
reads, `taking` and `restoring` on the two ways.
"""

from __future__ import annotations

from ecommerce_pipeline.operations.backup.archive import BackupError, Manifest
from ecommerce_pipeline.operations.backup.restoring import Restored, restore
from ecommerce_pipeline.operations.backup.taking import Taken, take

__all__ = ["BackupError", "Manifest", "Restored", "Taken", "restore", "take"]
