"""A day later: a second database and a folder of files, added by the guide alone, arrive; the first source goes on."""

import pytest

from tests.yours import guide
from tests.yours.conftest import ADD, STOCK, follow, telling
from tests.yours.test_connect_your_shop import asked, in_text

PARCELS = """\
parcel_id,received_on,value
p-1,2024-04-01,19.90
p-2,2024-04-02,1234567890.01
p-3,not a day,5.00
"""
CHANGES = """
update sales.invoices set amount = 0.0001, updated_at = now() where invoice_id = 7;
insert into sales.invoices values (1001, 'C1', now(), 5, '{}', null, now());
delete from sales.regions where region_id = 1;
"""


@pytest.fixture(scope="module")
def added(connected, erp, tmp_path_factory):
    """The connected clone after a day of changes and every step of `add-a-source.md`, and the folder of files."""
    folder = tmp_path_factory.mktemp("returns")
    (folder / "2024-04.csv").write_text(PARCELS)
    erp.run("erp", CHANGES)
    erp.run("warehouse", STOCK)
    for block in guide.blocks(ADD):
        with telling(f"{ADD.name}, {block.heading!r}"):
            here = guide.Block(
                block.heading, block.language, block.text.replace("/srv/returns", str(folder)), block.file
            )
            follow(connected, erp, "warehouse", here, replaced="none")
    return connected, folder


def test_a_second_database_is_in_the_lake(added, erp):
    clone, _ = added
    source = in_text(erp.rows("warehouse", "select movement_id, units, updated_at from stock.movements order by 1"))
    assert asked(clone, "select movement_id, units, updated_at from raw_warehouse.movements order by 1") == source


def test_what_changed_in_the_first_one_is_there_after_its_next_run(added):
    clone, _ = added
    assert asked(clone, "select count(*), count(distinct invoice_id) from raw_sales.invoices") == [("1002", "1001")]
    assert asked(clone, "select amount from staging.stg_sales__invoices where invoice_id = 7") == [("0.0001",)]
    assert asked(clone, "select count(*) from staging.stg_sales__invoices") == [("1001",)]
    assert asked(clone, "select name from raw_sales.regions") == [("Sür'd",)]


def test_good_lines_are_rows_and_a_bad_one_is_kept_with_its_place_and_reason(added):
    clone, _ = added
    assert asked(clone, "select parcel_id, received_on, value from raw_returns.parcels order by 1") == [
        ("p-1", "2024-04-01", "19.90"),
        ("p-2", "2024-04-02", "1234567890.01"),
    ]
    [(position, reason, raw)] = asked(clone, "select position, reason, raw_record from quality.rejects")
    assert position == "2024-04.csv:4"
    assert "received_on" in reason
    assert "p-3" in raw


def test_meltano_from_a_shell_goes_on_where_dagster_stopped(added):
    clone, folder = added
    (folder / "2024-05.csv").write_text("parcel_id,received_on,value\np-4,2024-05-01,0.01\n")
    [*_, command] = guide.blocks(ADD)[-1].commands
    clone.must(command)
    assert asked(clone, "select parcel_id, _sdc_commit_seq from raw_returns.parcels order by 1") == [
        ("p-1", "1"),
        ("p-2", "1"),
        ("p-4", "2"),
    ]
