"""The errors whose messages name the thing, the place and the next step, and are shown without a traceback."""

from __future__ import annotations

import errno
import shutil
import sys
from pathlib import Path

NO_RIGHT = {errno.EACCES, errno.EPERM, errno.EROFS}
NO_RIGHT_IN_SQLITE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")
NO_ROOM = 1_000_000  # bytes; less is not enough for a database to make its journal


def known_errors() -> tuple[type[Exception], ...]:
    """Classes of such errors, of those rooms that this process has loaded: what was not imported cannot have been
    raised.
    """
    return tuple(
        getattr(module, name)
        for module_name, name in (
            ("ecommerce_pipeline.operations.configuration", "ConfigurationError"),
            ("ecommerce_pipeline.streams", "StreamsError"),
            ("ecommerce_pipeline.operations.services", "ServiceError"),
            ("ecommerce_pipeline.operations.backup.archive", "BackupError"),
            ("ecommerce_pipeline.operations.alerts.channels", "AlertsError"),
            ("ecommerce_pipeline.lakehouse.errors", "LakehouseError"),
            ("ecommerce_pipeline.transformation.dbt", "DbtError"),
            ("ecommerce_pipeline.quality.errors", "QualityError"),
            ("ecommerce_pipeline.dashboards.errors", "DashboardsError"),
            ("shopsphere.state", "CompanyError"),
        )
        if (module := sys.modules.get(module_name)) is not None and hasattr(module, name)
    )


def lost_connection(error: BaseException) -> BaseException | None:
    """What a database's driver said when its server could not be reached, or broke off; None if that is not at the
    bottom of it.
    """
    drivers = [sys.modules[name] for name in ("psycopg", "psycopg2") if name in sys.modules]
    kinds: tuple[type[BaseException], ...] = tuple(
        kind for driver in drivers for kind in (driver.OperationalError, driver.InterfaceError)
    )
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, kinds):
            return inner
        inner = inner.__cause__ or inner.__context__
    return None


def is_full_disk(error: BaseException, home: Path) -> bool:
    """Whether a full disk is at the bottom of it, however the libraries in between have wrapped it: SQLite may call it
    an I/O error, so the disk itself is asked as well.
    """
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.errno == errno.ENOSPC:
            return True
        inner = inner.__cause__ or inner.__context__
    return home.exists() and shutil.disk_usage(home).free < NO_ROOM


def unwritable_place(error: BaseException, home: Path) -> str:
    """The file or folder that this user may not write, if that is at the bottom of it, else nothing; SQLite does not
    name its file, so there it is the home folder.
    """
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.errno in NO_RIGHT and inner.filename is not None:
            return str(inner.filename)
        if str(getattr(inner, "sqlite_errorname", "")).startswith(NO_RIGHT_IN_SQLITE):
            return str(home)
        inner = inner.__cause__ or inner.__context__
    return ""
