"""A backup is the lake of one moment, whole, and comes back as it was; whatever is wrong with it is said before
anything is touched.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from ecommerce_pipeline.lakehouse import branch, database, orphans, pointers
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.errors import LakehouseError, LeaseHeld
from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.lakehouse.publish import publish
from ecommerce_pipeline.operations import backup
from ecommerce_pipeline.operations.backup import BackupError
from ecommerce_pipeline.operations.backup.archive import Archive
from ecommerce_pipeline.settings import get_settings
from ecommerce_pipeline.transformation import project
from tests.lakehouse.conftest import embedded, files_of  # noqa: F401 - a fixture
from tests.lakehouse.iceberg import versions, write

OLD = {"core.orders": 1, "finance.revenue": 1}


@pytest.fixture
def lake(embedded):  # noqa: F811
    for table in OLD:
        write(embedded, table, 1)
    return embedded


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "backups"


def lose(settings) -> None:
    """The catalog and every file are gone."""
    database.forget(settings)
    shutil.rmtree(settings.lake_dir)


def test_a_lost_lake_comes_back_with_its_history(lake, folder):
    write(lake, "core.orders", 2)
    snapshots = [one.snapshot_id for one in open_catalog(lake).load_table("core.orders").snapshots()]
    taken = backup.take(lake, folder)
    lose(lake)
    restored = backup.restore(lake, folder)
    assert versions(lake) == {**OLD, "core.orders": 2}
    assert [one.snapshot_id for one in open_catalog(lake).load_table("core.orders").snapshots()] == snapshots
    assert restored.written == len(taken.manifest.files)
    write(lake, "core.orders", 3)
    assert versions(lake)["core.orders"] == 3


def test_a_second_backup_copies_only_what_is_new_and_either_can_be_restored(lake, folder):
    first = backup.take(lake, folder)
    write(lake, "core.orders", 2)
    second = backup.take(lake, folder)
    assert 0 < second.new_files < first.new_files
    lose(lake)
    backup.restore(lake, folder, first.manifest.name)
    assert versions(lake) == OLD
    backup.restore(lake, folder, replace=True)
    assert versions(lake) == {**OLD, "core.orders": 2}


def test_a_damaged_backup_stops_no_later_one(lake, folder, caplog):
    first = backup.take(lake, folder)
    torn = backup.take(lake, folder).manifest.name
    (folder / "backups" / f"{torn}.json").write_bytes(b"")
    after = backup.take(lake, folder)
    assert after.new_files == 0
    assert f"{torn}.json is damaged" in caplog.text
    with pytest.raises(BackupError, match=r"is damaged.* Next: restore another, with --from"):
        backup.restore(lake, folder, torn, replace=True)
    for name in (first.manifest.name, after.manifest.name):
        backup.restore(lake, folder, name, replace=True)
        assert versions(lake) == OLD


def test_a_file_that_only_an_earlier_backup_names_is_compared_and_not_copied_again(lake, folder):
    write(lake, "ml.features", 5)
    backup.take(lake, folder)
    with database.transaction(lake) as connection:
        kept = pointers.read_all(connection, "lake")[pointers.Name("ml", "features")]
        pointers.remove(connection, "lake", pointers.Name("ml", "features"))
    backup.take(lake, folder)
    with database.transaction(lake) as connection:
        pointers.add(connection, "lake", pointers.Name("ml", "features"), kept)
    assert backup.take(lake, folder).new_files == 0


def test_writers_go_on_and_the_backup_is_of_one_moment(lake, folder):
    """Both tables are always published together: a backup that holds two versions would be of two moments."""
    over, published = threading.Event(), []

    def live() -> None:
        version = 1
        while not over.is_set():
            version += 1
            branch.create(lake, "next")
            for table in OLD:
                write(lake, table, version, "next")
            publish(lake, "next")
            published.append(version)

    writer = threading.Thread(target=live)
    writer.start()
    try:
        taken = [backup.take(lake, folder)]
        while len(published) < 3:
            taken.append(backup.take(lake, folder))
    finally:
        over.set()
        writer.join()
    lose(lake)
    for one in taken:
        backup.restore(lake, folder, one.manifest.name, replace=True)
        assert len(set(versions(lake).values())) == 1


def test_upkeep_after_a_restore_deletes_nothing_that_is_needed(lake, folder):
    backup.take(lake, folder)
    write(lake, "core.orders", 2)
    backup.restore(lake, folder, replace=True)
    orphans.sweep(lake, older_than=timedelta(0))
    assert versions(lake) == OLD


def test_a_lake_that_is_not_empty_is_left_alone(lake, folder):
    backup.take(lake, folder)
    write(lake, "core.orders", 2)
    with pytest.raises(BackupError, match=r"is not empty: it has 2 tables\. Next: .* --replace"):
        backup.restore(lake, folder)
    assert versions(lake)["core.orders"] == 2


def test_what_the_backup_has_not_is_gone_after_a_replacement(lake, folder):
    backup.take(lake, folder)
    write(lake, "ml.features", 5)
    backup.restore(lake, folder, replace=True)
    assert versions(lake) == OLD


def test_a_damaged_file_of_the_lake_is_mended(lake, folder):
    backup.take(lake, folder)
    victim = next(path for path in sorted(files_of(lake)) if path.suffix == ".parquet")
    content = victim.read_bytes()
    victim.write_bytes(b"x" * len(content))
    assert backup.restore(lake, folder, replace=True).written == 1
    assert victim.read_bytes() == content


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"x")], ids=["missing", "damaged"])
def test_a_damaged_backup_changes_nothing(lake, folder, damage):
    backup.take(lake, folder)
    write(lake, "core.orders", 2)
    lose(lake)
    damage(next((folder / "files").rglob("*.parquet")))
    with pytest.raises(BackupError, match=r"is missing or damaged; the lake is as it was\. Next: "):
        backup.restore(lake, folder)
    assert versions(lake) == {}


def test_an_interrupted_backup_is_none_and_the_next_goes_on_from_it(lake, folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("ecommerce_pipeline.operations.backup.archive.Archive.keep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            backup.take(lake, folder)
    with pytest.raises(BackupError, match="holds no backup"):
        backup.restore(lake, folder)
    assert backup.take(lake, folder).new_files == 0


def test_two_backups_into_one_folder_at_once_are_both_whole(lake, folder):
    """The second begins when the first has half a file in its draft, and is over before the first goes on."""
    path = files_of(lake).pop()
    content = path.read_bytes() * 3
    seconds = []

    class Slow(io.BytesIO):
        def read(self, size=-1):
            if self.tell() and not seconds:
                seconds.append(archive.store("core/it", io.BytesIO(content)))
            return super().read(min(size, len(content) // 2))

    archive = Archive(folder)
    first = archive.store("core/it", Slow(content))
    assert [first] == seconds
    assert archive.file("core/it").read_bytes() == content
    assert list((folder / "drafts").iterdir()) == []


def test_what_a_killed_backup_left_half_written_goes_and_what_another_is_writing_stays(lake, folder):
    backup.take(lake, folder)
    left, written = folder / "drafts" / "left", folder / "drafts" / "written"
    for draft in (left, written):
        draft.write_bytes(b"half")
    os.utime(left, (0, 0))
    backup.take(lake, folder)
    assert list((folder / "drafts").iterdir()) == [written]


def test_a_sweep_beside_a_restore_deletes_nothing_that_the_restore_has_called_sound(lake, folder, monkeypatch):
    backup.take(lake, folder)
    with database.transaction(lake) as connection:
        pointers.remove(connection, "lake", pointers.Name("core", "orders"))
    delete = orphans.delete_files

    def meanwhile(*doomed) -> None:
        with pytest.raises(LeaseHeld, match="warehouse files is being written by a sweep"):
            backup.restore(lake, folder, replace=True)
        delete(*doomed)

    with monkeypatch.context() as patch:
        patch.setattr(orphans, "delete_files", meanwhile)
        assert orphans.sweep(lake, older_than=timedelta(0)).files
    backup.restore(lake, folder, replace=True)
    assert versions(lake) == OLD


def test_no_sweep_while_a_restore_is_on(lake, folder, monkeypatch):
    backup.take(lake, folder)
    swept = []

    def meanwhile(*_) -> None:
        with pytest.raises(LeaseHeld, match="warehouse files is being written by restore"):
            orphans.sweep(lake, older_than=timedelta(0))
        swept.append(orphans.sweep(lake, older_than=timedelta(0), dry_run=True))

    monkeypatch.setattr("ecommerce_pipeline.operations.backup.restoring._verify", meanwhile)
    backup.restore(lake, folder, replace=True)
    assert len(swept) == 1


def interrupt(*_):
    raise KeyboardInterrupt


def test_a_writer_is_not_overrun(lake, folder):
    backup.take(lake, folder)
    with hold(lake, ["table:core.orders"], "somebody"), pytest.raises(LeaseHeld, match="is being written by somebody"):
        backup.restore(lake, folder, replace=True)


def test_open_branches_are_named(lake, folder):
    backup.take(lake, folder)
    branch.create(lake, "anna")
    with pytest.raises(BackupError, match=r"branches are open.*anna.*Next: "):
        backup.restore(lake, folder, replace=True)


def test_another_warehouse_is_refused_with_the_setting_to_change(lake, folder, tmp_path):
    backup.take(lake, folder)
    elsewhere = lake.model_copy(update={"home": tmp_path / "elsewhere"})
    with pytest.raises(BackupError, match="set SHOPSPHERE_LAKE_WAREHOUSE=file://"):
        backup.restore(elsewhere, folder)


def test_a_lake_with_a_missing_file_is_not_backed_up_as_if_it_were_whole(lake, folder):
    next(path for path in files_of(lake) if path.suffix == ".parquet").unlink()
    with pytest.raises((BackupError, LakehouseError), match=r"is not there: .*No backup was made\. Next: "):
        backup.take(lake, folder)


def test_only_its_owner_reads_a_backup(lake, folder):
    backup.take(lake, folder)
    assert [path for path in folder.rglob("*") if path.is_file() and path.stat().st_mode & 0o077] == []


def test_the_commands_say_what_they_did_and_what_they_will_not_do(lake, folder):
    def run(*arguments):
        env = {"SHOPSPHERE_HOME": str(lake.home), "SHOPSPHERE_ENV_FILE": "/nowhere/.env", "HOME": "/nowhere"}
        command = [Path(sys.executable).with_name("shopsphere"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False)

    project.manifest(get_settings())  # the session's, so that this home need not parse it again
    shutil.copytree(project.parse_dir(get_settings()), project.parse_dir(lake))
    taken = run("backup", str(folder))
    assert (taken.returncode, "2 tables" in taken.stderr) == (0, True), taken.stderr
    refused = run("restore", str(folder))
    assert (refused.returncode, "is not empty" in refused.stderr) == (3, True), refused.stderr
    restored = run("restore", str(folder), "--replace")
    assert (restored.returncode, "6 rows, counted" in restored.stderr) == (0, True), restored.stderr
    assert "Next: `shopsphere materialize daily_update` brings it up to date" in restored.stderr
