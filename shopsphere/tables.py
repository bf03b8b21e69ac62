"""The tables of the company's two databases: the authority on their columns, types and keys.

Times are `timestamp(6)` without zone and mean UTC; money is numeric(12,2) US dollars; every table has created_at and
updated_at, company time, and an index on updated_at, as a shop that is extracted incrementally should. What people type
in (names, e-mails, phones) may be null: real shops are like that.
"""

from __future__ import annotations

from dataclasses import dataclass

TIMES = {"created_at": "timestamp(6) NOT NULL", "updated_at": "timestamp(6) NOT NULL"}
PERSON = {
    "first_name": "varchar(80)",
    "last_name": "varchar(80)",
    "email": "varchar(160)",
    "phone": "varchar(40)",
    "street": "varchar(160)",
    "city": "varchar(80)",
    "region": "varchar(40)",
    "postcode": "varchar(16)",
    "country": "char(2)",
    "marketing_consent": "boolean NOT NULL",
}
MONEY = "numeric(12,2) NOT NULL"


@dataclass(frozen=True)
class Table:
    """One table; `moves` names the columns that later versions of a row may change (None: all of them)."""

    database: str
    name: str
    key: tuple[str, ...]
    columns: dict[str, str]
    moves: tuple[str, ...] | None = None

    @property
    def address(self) -> str:
        """schema.table; the schema has the database's name."""
        return f"{self.database}.{self.name}"

    def create_sql(self) -> str:
        """CREATE TABLE without keys: they are made after the first load, which is faster."""
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        return f"CREATE TABLE {self.address} ({columns})"

    def index_sql(self) -> list[str]:
        """The primary key and the index on updated_at."""
        return [
            f"ALTER TABLE {self.address} ADD PRIMARY KEY ({', '.join(self.key)})",
            f"CREATE INDEX ON {self.address} (updated_at)",
        ]

    def upsert_sql(self, staged: str) -> str:
        """Moves the rows of the table `staged` in; rows that are equal already stay untouched, so a repeated step
        changes nothing.
        """
        moves = self.moves or tuple(name for name in self.columns if name not in self.key)
        columns, key = ", ".join(self.columns), ", ".join(self.key)
        mine, theirs = (", ".join(f"{row}.{name}" for name in moves) for row in ("t", "excluded"))
        changes = ", ".join(f"{name} = excluded.{name}" for name in moves)
        return (
            f"INSERT INTO {self.address} AS t ({columns}) SELECT {columns} FROM {staged} "  # noqa: S608 - our own names
            f"ON CONFLICT ({key}) DO UPDATE SET {changes} WHERE ({mine}) IS DISTINCT FROM ({theirs})"
        )


def _table(address: str, key: str, columns: dict[str, str], moves: tuple[str, ...] | None = None) -> tuple[str, Table]:
    database, name = address.split(".")
    return address, Table(database, name, tuple(key.split()), {**columns, **TIMES}, moves)


TABLES: dict[str, Table] = dict(
    [
        _table(
            "shop.customers", "customer_id", {"customer_id": "int NOT NULL", **PERSON, "deleted_at": "timestamp(6)"}
        ),
        _table(
            "shop.customer_changes",
            "change_id",
            {
                "change_id": "bigint NOT NULL",
                "customer_id": "int NOT NULL",
                **PERSON,
                "deleted_at": "timestamp(6)",
                "valid_from": "timestamp(6) NOT NULL",
                "change_type": "varchar(20) NOT NULL",
            },
        ),
        _table(
            "shop.orders",
            "order_id",
            {
                "order_id": "bigint NOT NULL",
                "customer_id": "int",
                "store_id": "int NOT NULL",
                "placed_at": "timestamp(6) NOT NULL",
                "status": "varchar(20) NOT NULL",
                "payment_method": "varchar(20) NOT NULL",
                "currency": "char(3) NOT NULL",
                "total_amount": MONEY,
            },
            # an order's way moves it on and touches nothing else: a fault stays in the row until somebody mends it
            moves=("status", "updated_at"),
        ),
        _table(
            "shop.order_items",
            "order_id product_id",
            {
                "order_id": "bigint NOT NULL",
                "product_id": "bigint NOT NULL",
                "quantity": "int NOT NULL",
                "sales_value": MONEY,
                "retail_disc": MONEY,
                "coupon_disc": MONEY,
                "coupon_match_disc": MONEY,
            },
        ),
        _table(
            "shop.payments",
            "payment_id",
            {
                "payment_id": "bigint NOT NULL",
                "order_id": "bigint NOT NULL",
                "method": "varchar(20) NOT NULL",
                "amount": MONEY,
                "currency": "char(3) NOT NULL",
                "status": "varchar(20) NOT NULL",
                "paid_at": "timestamp(6) NOT NULL",
            },
        ),
        _table(
            "shop.refunds",
            "refund_id",
            {
                "refund_id": "bigint NOT NULL",
                "order_id": "bigint NOT NULL",
                "product_id": "bigint",
                "amount": MONEY,
                "reason": "varchar(40) NOT NULL",
                "refunded_at": "timestamp(6) NOT NULL",
            },
        ),
        _table(
            "catalog.products",
            "product_id",
            {
                "product_id": "bigint NOT NULL",
                "manufacturer_id": "int",
                "department": "varchar(40)",
                "brand": "varchar(20)",
                "product_category": "varchar(80)",
                "product_type": "varchar(80)",
                "package_size": "varchar(40)",
            },
        ),
        _table(
            "catalog.prices",
            "price_id",
            {
                "price_id": "bigint NOT NULL",
                "product_id": "bigint NOT NULL",
                "price": MONEY,
                "cost_price": MONEY,
                "valid_from": "date NOT NULL",
            },
        ),
        _table(
            "catalog.inventory",
            "product_id",
            {"product_id": "bigint NOT NULL", "units_on_hand": "int NOT NULL", "reorder_point": "int NOT NULL"},
        ),
        _table(
            "catalog.stores",
            "store_id",
            {"store_id": "int NOT NULL", "name": "varchar(80) NOT NULL", "region": "varchar(40) NOT NULL"},
        ),
    ]
)
