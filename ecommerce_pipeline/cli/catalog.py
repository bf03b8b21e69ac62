"""`catalog`, `mirror`: the lake as an Iceberg REST catalog, and shown in another one, for other engines to read."""

from __future__ import annotations

import secrets
import threading
from typing import Annotated

import typer

from ecommerce_pipeline.cli import console

USUAL_PORT = 8181
HOW = """production answers at {url} as an Iceberg REST catalog, read-only, to whoever bears the token
  {token}
  PyIceberg  load_catalog("lake", uri="{url}", token="…")
  Trino      iceberg.catalog.type=rest, iceberg.rest-catalog.uri={url}, iceberg.rest-catalog.security=OAUTH2,
             iceberg.rest-catalog.oauth2.token=…
  Spark      spark.sql.catalog.lake.type=rest, spark.sql.catalog.lake.uri={url}, spark.sql.catalog.lake.token=…
The files are read where they are: {warehouse}. The engine needs its own right to read them.
Ctrl-C ends it."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(catalog)
    app.command()(mirror)


def catalog(
    port: Annotated[int, typer.Option(help="on 127.0.0.1; 0 takes a free one", min=0, max=65535)] = USUAL_PORT,
) -> None:
    """Serve production to other engines as an Iceberg REST catalog, read-only, until Ctrl-C."""
    from ecommerce_pipeline.lakehouse.catalog import open_catalog
    from ecommerce_pipeline.lakehouse.rest_door.server import open_door

    settings = console.settings()
    token = settings.catalog_token.get_secret_value() or secrets.token_urlsafe(24)
    try:
        door = open_door(open_catalog(settings), read_only=True, port=port, token=token)
    except OSError as error:
        console.fail(f"port {port} on 127.0.0.1: {error.strerror}. Next: another --port", console.UNFIT)
    console.say(HOW.format(url=door.url, token=token, warehouse=settings.warehouse))
    try:
        threading.Event().wait()
    finally:
        door.close()


def mirror() -> None:
    """Show production in another Iceberg REST catalog, as it is now; each run does so at its end."""
    from ecommerce_pipeline.lakehouse.mirror import follow

    settings = console.settings()
    if not settings.mirror_uri:
        console.fail(
            "no other catalog is named. Next: SHOPSPHERE_MIRROR_URI in .env (docs/guides/another-store.md)",
            console.UNFIT,
        )
    table = console.plain_table("table", "in the other catalog")
    shown = follow(settings)
    for one in shown:
        table.add_row(str(one.name), one.deed)
    console.print_table(table)
    if any(one.deed == "moved" and not one.at_once for one in shown):
        console.say("that catalog has no transaction over several tables: they moved one after the other")
