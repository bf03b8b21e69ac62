"""PostgreSQL does not answer, or refuses: what to do about it."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import shown_address


def with_timeout(url: str) -> str:
    """The address with a limit on how long the connection may take, unless it has one."""
    return url if "connect_timeout=" in url else f"{url}{'&' if '?' in url else '?'}connect_timeout=10"


def in_utf8(url: str) -> str:
    """The address with texts in UTF-8, whatever the database's own encoding is: the last word of an address counts."""
    return f"{url}{'&' if '?' in url else '?'}client_encoding=UTF8"


def explain(message: str, url: str) -> str:
    """The driver's message with the next step."""
    user = urlsplit(url).username or "…"
    reasons = {
        "permission denied to": f"alter role {user} replication (on RDS: grant rds_replication to {user})",
        "replication role": f"alter role {user} replication (on RDS: grant rds_replication to {user})",
        "is active for PID": "wait for the run that reads the slot, or give this lake a slot of its own",
        "all replication slots are in use": "drop slots that nobody reads, or raise max_replication_slots",
        "password authentication failed": "check the user and password in url",
        "Connection refused": "start the server, or check host and port in url",
        "could not translate host name": "check the host in url",
        "timeout expired": "check host, port and firewall",
        "permission denied": "grant SELECT on the table and USAGE on its schema, or deselect the stream",
        "invalid byte sequence": "mend the text, deselect its column, or use INCREMENTAL, which rejects row by row",
        "has no equivalent in encoding": "mend the text in the source, or deselect its column",
        "pg_current_snapshot": "use PostgreSQL 13 or newer",
    }
    step = next(
        (step for sign, step in reasons.items() if sign in message),
        "see the server's log; the run can be repeated safely",
    )
    text = " ".join(message.split())
    return f"tap-sql: PostgreSQL at {shown_address(url)}: {text}. Next: {step}"
