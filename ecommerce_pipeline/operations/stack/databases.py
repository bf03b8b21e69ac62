"""PostgreSQL's inside: a database for each that needs one, each with a role of its own that owns it and sees no other.

Set anew at every start, alike for the native server and the container, so a changed password is in force after the
next start.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.operations.stack.secrets import secret
from ecommerce_pipeline.settings import Settings

ADMIN = "postgres"
# The Iceberg catalog, Dagster's storage, Meltano's, Superset's metadata, ShopSphere's product catalog.
DATABASES = ("lake", "dagster", "meltano", "superset", "catalog")
# Reads what a backup keeps, and enters no other database.
BACKUP, BACKED_UP = "backup", ("lake", "dagster", "superset")


def admin_address(settings: Settings) -> str:
    """How the superuser connects; holds the password, so never log it."""
    password = secret(settings, "postgres_admin_password")
    return f"postgresql://{ADMIN}:{password}@127.0.0.1:{settings.postgres_port}/postgres"


def provision(settings: Settings) -> None:
    """Databases and roles as they must be; raises ServiceError."""
    try:
        with psycopg.connect(admin_address(settings), autocommit=True, connect_timeout=5) as db:
            for name in DATABASES:
                _ensure_role(db, name, secret(settings, f"postgres_{name}_password"))
                _ensure_database(db, name)
            _ensure_role(db, BACKUP, secret(settings, "postgres_backup_password"))
            _let_read(db)
    except psycopg.Error as error:
        raise ServiceError(
            f"PostgreSQL's databases could not be made: {str(error).strip()}. "
            f"Next: read {settings.log_dir / 'postgresql.log'}"
        ) from error


def _ensure_role(db: psycopg.Connection[tuple[object, ...]], name: str, password: str) -> None:
    role = sql.Identifier(name)
    if db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
        db.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    # hashed here, so that the password itself cannot reach the server's log
    hashed = db.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    db.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(hashed)))


def _ensure_database(db: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    role = sql.Identifier(name)
    if db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
        db.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
    db.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(role))


def _let_read(db: psycopg.Connection[tuple[object, ...]]) -> None:
    role = sql.Identifier(BACKUP)
    for name in BACKED_UP:
        db.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), role))
    db.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(role))
    db.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(role))
