"""Systems that tell different stories: records that are right by themselves and wrong beside those of another system.

They are changed at their sources before the second load, and stand in no ledger.
"""

from __future__ import annotations

import json
from datetime import date

from benchmarks.exam.company import Examinee
from shopsphere import postgres, services
from shopsphere.state import Places

NO_ORDER = 999_999_999_999


def make(student: Examinee, day: date) -> set[tuple[str, str, str]]:
    """Change some records that no fault has touched; gives table, key and the rule each of them breaks."""
    return {*_in_the_shop(student, day), _on_the_web(student, day)}


def _in_the_shop(student: Examinee, day: date) -> list[tuple[str, str, str]]:
    broken = {key for entry in student.entries for key in entry.key.values()}
    with postgres.connect(student.home, services.port(student.home, "postgres"), "shop") as shop:
        rows = shop.execute("select order_id, payment_id from shop.payments order by 1").fetchall()
        dearer, foreign = [row for row in rows if str(row[0]) not in broken][:2]
        [refund] = [
            row
            for row in shop.execute("select order_id, refund_id from shop.refunds order by 1").fetchall()
            if str(row[0]) not in broken
        ][:1]
        later = f"updated_at = timestamp '{day} 23:59:59'"
        shop.execute(f"update shop.payments set amount = amount + 1, {later} where payment_id = %s", (dearer[1],))
        shop.execute(f"update shop.payments set order_id = %s, {later} where payment_id = %s", (NO_ORDER, foreign[1]))
        shop.execute(f"update shop.refunds set amount = amount + 5000, {later} where refund_id = %s", (refund[1],))
    return [
        ("shop.payments", str(dearer[1]), "payment_is_the_orders_total"),
        ("shop.payments", str(foreign[1]), "payment_has_its_order"),
        ("shop.refunds", str(refund[1]), "refund_within_its_order"),
    ]


def _on_the_web(student: Examinee, day: date) -> tuple[str, str, str]:
    broken = {key for entry in student.entries for key in entry.key.values()}
    for path in sorted(Places(student.home).events.glob(f"{day}/*.jsonl")):
        lines = path.read_text().splitlines(keepends=True)
        for number, line in enumerate(lines):
            try:
                event = json.loads(line)
            except ValueError:
                continue  # a fault of its own
            if event.get("event_type") == "purchase" and event["event_id"] not in broken:
                event["properties"]["order_id"] = NO_ORDER
                lines[number] = json.dumps(event) + "\n"
                path.write_text("".join(lines))
                return "web.events", event["event_id"], "purchase_has_its_order"
    raise AssertionError(f"no purchase was made on the web on {day}")
