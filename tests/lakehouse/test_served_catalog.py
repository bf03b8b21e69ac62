"""Production for other engines: an Iceberg REST catalog that only shows, and only to who bears the token."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog import load_catalog
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import ForbiddenError, UnauthorizedError

from ecommerce_pipeline.lakehouse.catalog import open_catalog

SHOPSPHERE = Path(sys.executable).with_name("shopsphere")
ROWS = pa.table({"id": [1, 2, 3]})


@pytest.fixture
def served(embedded):
    """Address and token as the command tells them."""
    lake = open_catalog(embedded)
    lake.create_namespace("finance")
    lake.create_table("finance.daily", ROWS.schema).append(ROWS)
    env = {**os.environ, "SHOPSPHERE_HOME": str(embedded.home), "SHOPSPHERE_ENV_FILE": str(embedded.home / ".env")}
    command = [SHOPSPHERE, "catalog", "--port", "0"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        said = ""
        while "Ctrl-C" not in said and process.poll() is None:
            said += process.stderr.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert url, said
        yield url.group(), said.split("the token")[1].split()[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def opened(url: str, token: str) -> RestCatalog:
    catalog = load_catalog("lake", uri=url, token=token)
    assert isinstance(catalog, RestCatalog)
    return catalog


def test_another_engine_lists_and_reads_what_is_published(served):
    catalog = opened(*served)
    assert catalog.list_tables("finance") == [("finance", "daily")]
    assert catalog.load_table("finance.daily").scan().to_arrow().to_pydict() == ROWS.to_pydict()


def test_it_sees_the_next_commit(served, embedded):
    catalog = opened(*served)
    open_catalog(embedded).load_table("finance.daily").append(ROWS)
    assert catalog.load_table("finance.daily").scan().to_arrow().num_rows == 6


def test_it_cannot_write(served):
    catalog = opened(*served)
    with pytest.raises(ForbiddenError, match="only reads the lake"):
        catalog.load_table("finance.daily").append(ROWS)
    with pytest.raises(ForbiddenError, match="only reads the lake"):
        catalog.drop_table("finance.daily")


def test_a_stranger_sees_nothing(served):
    with pytest.raises(UnauthorizedError, match="wants the token"):
        opened(served[0], "guessed")
