"""MinIO, as it is or behind a line of so many bytes a second: the object store that ingestion is measured with.

usage: with object_store(folder, bytes_a_second) as store: … store.properties are those of a catalog in it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from pyarrow import fs
from tap_sql.testing import free_port

from ecommerce_pipeline.operations.stack import minio

CHUNK = 1 << 16
START_SECONDS = 30
USER = "benchmark"


@dataclass(frozen=True)
class Store:
    """A bucket `lake` at the end of the line, and the catalog's properties to reach it."""

    endpoint: str
    secret: str
    folder: Path

    @property
    def properties(self) -> dict[str, str]:
        """PyIceberg's."""
        return {
            "type": "sql",
            "uri": f"sqlite:///{self.folder}/catalog.db",
            "warehouse": "s3://lake/warehouse",
            "s3.endpoint": self.endpoint,
            "s3.region": "us-east-1",
            "s3.access-key-id": USER,
            "s3.secret-access-key": self.secret,
            "s3.path-style-access": "true",
            "s3.force-virtual-addressing": "false",
        }


@contextmanager
def object_store(folder: Path, bytes_a_second: float | None = None) -> Iterator[Store]:
    """Start the server, and the line before it if there is to be one; both are gone in the end."""
    port, secret = free_port(), secrets.token_hex(12)
    own = {"MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": secret, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"}
    command = [minio.binary(), "server", "--quiet", "--address", f"127.0.0.1:{port}", str(folder / "minio")]
    with (folder / "minio.log").open("w") as log:
        server = subprocess.Popen(command, env={**os.environ, **own}, stdout=log, stderr=log)
    try:
        _await_server(f"http://127.0.0.1:{port}", server)
        direct = fs.S3FileSystem(
            access_key=USER, secret_key=secret, endpoint_override=f"127.0.0.1:{port}", scheme="http",
            region="us-east-1", allow_bucket_creation=True,
        )  # fmt: skip
        direct.create_dir("lake")
        with nullcontext(port) if bytes_a_second is None else _line(port, bytes_a_second) as end:
            yield Store(f"http://127.0.0.1:{end}", secret, folder)
    finally:
        server.terminate()
        server.wait(30)


def _await_server(endpoint: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not minio.is_ready(endpoint):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"MinIO does not answer at {endpoint}")
        time.sleep(0.1)


@contextmanager
def _line(port: int, bytes_a_second: float) -> Iterator[int]:
    """A port that passes everything on to the server's, what goes to it at so many bytes a second in all."""
    line, loop = _Line(port, bytes_a_second), asyncio.new_event_loop()
    opened = threading.Event()

    async def serve() -> None:
        await line.open()
        opened.set()

    loop.create_task(serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    opened.wait()
    try:
        yield line.listening
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


class _Line:
    def __init__(self, port: int, bytes_a_second: float) -> None:
        self._port, self._rate, self._free_at, self.listening = port, bytes_a_second, 0.0, 0

    async def open(self) -> None:
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0, limit=CHUNK)
        self.listening = server.sockets[0].getsockname()[1]

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self._port, limit=CHUNK)
        await asyncio.gather(self._copy(reader, ours, slow=True), self._copy(theirs, writer, slow=False))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool) -> None:
        with suppress(ConnectionError, asyncio.CancelledError):
            while data := await reader.read(CHUNK):
                if slow:
                    await self._wait_for(len(data))
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _wait_for(self, size: int) -> None:
        """Until the line is free for so many bytes, behind all that were there before them."""
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + size / self._rate
        await asyncio.sleep(self._free_at - now)
