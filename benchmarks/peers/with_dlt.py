"""dlt, sql_database → filesystem as Iceberg, with the backend given; runs in an environment of its own.

usage: python with_dlt.py BACKEND URL FOLDER
"""

from __future__ import annotations

import json
import os
import sys
import time


def main(backend: str, url: str, folder: str) -> None:
    """Time of extract, normalize and load; imports and the connection to the source are not counted."""
    os.environ |= {
        "DLT_DATA_DIR": folder,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DESTINATION__FILESYSTEM__BUCKET_URL": f"file://{folder}/lake",
        "NORMALIZE__WORKERS": "2",
    }
    import dlt
    from dlt.sources.sql_database import sql_table

    table = sql_table(
        credentials=url.replace("mysql://", "mysql+pymysql://"),
        schema="shop",
        table="order_items",
        backend=backend,
        chunk_size=200_000,
    )
    pipeline = dlt.pipeline(
        "benchmark", destination="filesystem", dataset_name="raw_shop", pipelines_dir=f"{folder}/pipelines"
    )
    start = time.monotonic()
    pipeline.run(table, table_format="iceberg", loader_file_format="parquet", write_disposition="append")
    seconds = time.monotonic() - start
    rows = pipeline.last_trace.last_normalize_info.row_counts["order_items"]
    sys.stdout.write(json.dumps({"rows": rows, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:4])
