"""A small lakehouse that can be broken at will, and receivers that can be down, hang, or answer nonsense."""

from __future__ import annotations

import email
import http.server
import json
import shutil
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from pathlib import Path

import dagster as dg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from ecommerce_pipeline.operations import instance as instances
from ecommerce_pipeline.operations.alerts import watch
from ecommerce_pipeline.operations.stack import tls
from ecommerce_pipeline.settings import Settings

OWNER = "team:finance"
FACTS = {
    "dagster/row_count": 349,
    "bytes": 4096,
    "dagster/column_schema": dg.TableSchema([dg.TableColumn("revenue", "decimal(18, 2)", "Revenue of the day, USD.")]),
    "dagster/column_lineage": dg.TableColumnLineage(
        {"revenue": [dg.TableColumnDep(dg.AssetKey(["raw_shop", "orders"]), "total")]}
    ),
}


@dataclass
class Trouble:
    """What is out of order at the moment."""

    source: str = ""
    check: str = ""
    chart: str = ""


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
def graph(trouble: Trouble) -> dg.Definitions:
    """shop/orders → raw_shop/orders → finance/daily_revenue → dashboards/finance, and the job over them."""

    @dg.asset(key=["raw_shop", "orders"], deps=[dg.AssetKey(["shop", "orders"])], owners=["team:shop"])
    def tap_shop() -> None:
        if trouble.source:
            raise dg.Failure(trouble.source, allow_retries=False)

    check = dg.AssetCheckSpec("keeps_its_rules", asset=["finance", "daily_revenue"])

    @dg.multi_asset(
        specs=[dg.AssetSpec(["finance", "daily_revenue"], deps=[["raw_shop", "orders"]], owners=[OWNER])],
        check_specs=[check],
    )
    def models() -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        if trouble.check:
            yield dg.AssetCheckResult(
                passed=False, check_name=check.name, asset_key=check.asset_key, severity=dg.AssetCheckSeverity.ERROR
            )
            raise dg.Failure(trouble.check, metadata={"refused": ["check keeps_its_rules: 3 rows"]})
        yield dg.MaterializeResult(asset_key=["finance", "daily_revenue"], metadata=FACTS)
        yield dg.AssetCheckResult(passed=True, check_name=check.name, asset_key=check.asset_key)

    shown = dg.AssetCheckSpec("every_chart_returns_rows", asset=["dashboards", "finance"])

    @dg.asset(key=["dashboards", "finance"], deps=[["finance", "daily_revenue"]], check_specs=[shown])
    def dashboard() -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        yield dg.MaterializeResult()
        severity = dg.AssetCheckSeverity.ERROR
        yield dg.AssetCheckResult(passed=not trouble.chart, severity=severity, metadata={"broken": trouble.chart})

    job = dg.define_asset_job("daily_update", dg.AssetSelection.all())
    return dg.Definitions(assets=[tap_shop, models, dashboard], jobs=[job], executor=dg.in_process_executor)


@dataclass
class Lakehouse:
    """The small lakehouse, its clock in the test's hands."""

    settings: Settings
    instance: dg.DagsterInstance
    definitions: dg.Definitions

    def run(self) -> bool:
        """Run the daily job; whether it succeeded."""
        job = self.definitions.resolve_job_def("daily_update")
        return job.execute_in_process(instance=self.instance, raise_on_error=False).success

    def look(self, after: timedelta = timedelta(0)) -> watch.Look:
        """A look, some time from now."""
        graph = self.definitions.resolve_asset_graph()
        return watch.look(self.settings, self.instance, graph, datetime.now(UTC) + after)

    def with_settings(self, **changed: object) -> Lakehouse:
        """The same lakehouse, told otherwise."""
        return Lakehouse(self.settings.model_copy(update=changed), self.instance, self.definitions)


@pytest.fixture(scope="session")
def new_home(tmp_path_factory) -> Path:
    """A home in which Dagster has made its databases, which takes it seconds; to be copied."""
    home = tmp_path_factory.mktemp("new") / "var"
    with instances.open_instance(Settings(_env_file=None, home=home)) as instance:
        instance.get_runs(limit=1)
        instance.get_asset_keys()
        list(instance.all_instigator_state())
    return home


@pytest.fixture
def lakehouse(tmp_path, graph: dg.Definitions, new_home: Path) -> Iterator[Lakehouse]:
    shutil.copytree(new_home, tmp_path / "var")
    quiet = {"alerts_disk_gb": 0, "alerts_memory_gb": 0, "dagster_url": "https://dagster.example.com"}
    settings = Settings(_env_file=None, home=tmp_path / "var", **quiet)
    with instances.open_instance(settings) as instance:
        yield Lakehouse(settings, instance, graph)


@dataclass
class Receiver:
    """A web server for what is told: what came, and how it answers; `port` stays its own while it is down."""

    port: int = 0
    answer: int = 200
    hangs: bool = False
    bodies: list[dict] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @contextmanager
    def up(self) -> Iterator[Receiver]:
        """The server is there while the block runs."""
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.numbers.append(self.headers["Idempotency-Key"])
                if receiver.hangs:
                    receiver.released.wait(60)
                elif receiver.answer < 300:
                    receiver.bodies.append(json.loads(body))
                self.send_response(receiver.answer)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        server.daemon_threads = True
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield self
        finally:
            self.released.set()
            server.shutdown()
            server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().up() as one:
        yield one


@contextmanager
def speaking(words: bytes) -> Iterator[int]:
    """A server that is none of HTTP: it says its words to whoever comes and hangs up; its port."""

    class Greeter(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(words)
            self.request.recv(65536)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeter) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


class Inbox:
    """A mail server's memory."""

    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 (aiosmtpd's name)
        self.mails.append(email.message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@contextmanager
def listening(**how: object) -> Iterator[tuple[Inbox, int]]:
    """A mail server on a free port."""
    inbox = Inbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(inbox, hostname="127.0.0.1", port=port, **how)
    server.start()
    try:
        yield inbox, port
    finally:
        server.stop()


@pytest.fixture
def mail_server() -> Iterator[tuple[Inbox, int]]:
    with listening() as started:
        yield started


@pytest.fixture
def strict_mail_server(tmp_path) -> Iterator[tuple[Inbox, int, Path]]:
    """One that takes mail only over TLS and from who signed in as data/hunter2; and the certificate to trust."""
    pem = tls.server_pem(Settings(_env_file=None, home=tmp_path / "mail"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)

    def known(_server, _session, _envelope, _mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"data", b"hunter2"))

    with listening(tls_context=context, require_starttls=True, authenticator=known, auth_required=True) as (
        inbox,
        port,
    ):
        yield inbox, port, pem.with_name("ca.pem")
