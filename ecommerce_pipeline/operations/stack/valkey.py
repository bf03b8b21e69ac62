"""Valkey as a native process, or Redis, which speaks the same: what the dashboard server remembers and has to send.

Debian's package is used; root installs it if it is missing. Nothing in it outlives a restart, and nothing must: an
answer is asked again, a report is due again.
"""

from __future__ import annotations

from ecommerce_pipeline import env_file, key_value_store
from ecommerce_pipeline.operations.services import Program
from ecommerce_pipeline.operations.stack import debian
from ecommerce_pipeline.operations.stack.secrets import secret
from ecommerce_pipeline.settings import Settings

SERVERS = ["valkey-server", "redis-server"]
PACKAGE = "redis-server"  # Debian 12 has no other; Debian 13 has both
CONFIG = """bind 127.0.0.1
requirepass {password}
dir "{folder}"
save ""
appendonly no
maxmemory 256mb
maxmemory-policy volatile-lru
"""


def program(settings: Settings) -> Program | None:
    """The server on the settings' port; None if the machine has none."""
    server = debian.server(SERVERS, PACKAGE)
    if server is None:
        return None
    folder = settings.stack_dir / "valkey"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    values = {"password": secret(settings, "valkey_password"), "folder": folder}
    env_file.write_private(folder / "valkey.conf", CONFIG.format(**values))
    return Program(
        name="valkey",
        command=[server, str(folder / "valkey.conf"), "--port", str(settings.valkey_port)],
        ready=lambda: key_value_store.answers(settings),
        ports={"SHOPSPHERE_VALKEY_PORT": settings.valkey_port},
        directory=folder,
    )
