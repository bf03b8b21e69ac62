"""The house's walls, read from the code itself: who may import whom, and who may read the environment.

They are what makes the demo company deletable and a room replaceable; nothing at run time would notice a breach.
"""

import ast
from pathlib import Path

import pytest

from ecommerce_pipeline.settings import ROOT

PIPELINE = ROOT / "ecommerce_pipeline"
PLUGINS = ROOT / "meltano" / "plugins"
# the Singer packages that may be asked for by name at run time are settings' values, not imports
SINGER_PACKAGES = {"tap_sql", "tap_files", "tap_hubspot", "target_iceberg", "meltano_iceberg_state"}
ROOMS = {"sources", "ingestion", "transformation", "quality", "dashboards", "operations"}
ABOVE = ("ecommerce_pipeline.cli", "ecommerce_pipeline.definitions")
# Settings read it. Whoever starts another program hands it on, whole; one that waits for its task is given another.
PASSED_ON = {"cli/server.py", "transformation/dbt.py", "operations/stack/compose.py", "operations/stack/minio.py"}
GIVEN = {"ingestion/meltano_process.py", "transformation/dbt_process.py"}
READERS = {"settings.py", "environment.py", *PASSED_ON, *GIVEN}


def modules(folder):
    """Python files by path within the folder, parsed; tests left out."""
    for path in sorted(folder.rglob("*.py")):
        if "tests" not in path.relative_to(folder).parts:
            yield path.relative_to(folder).as_posix(), ast.parse(path.read_text())


def imported(tree):
    """Full names of everything a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(name):
    """The room a name of the pipeline is in, if it is in one."""
    parts = name.split(".")
    return parts[1] if parts[0] == "ecommerce_pipeline" and len(parts) > 1 and parts[1] in ROOMS else None


def breaches(folder, wrong):
    return [f"{file}: {name}" for file, tree in modules(folder) for name in imported(tree) if wrong(file, name)]


def test_only_the_demo_commands_import_the_demo_company():
    assert breaches(PIPELINE, lambda file, name: name.split(".")[0] == "shopsphere" and file != "cli/demo.py") == []


def test_rooms_do_not_import_one_another():
    def wrong(file, name):
        own = file.split("/")[0]
        return own in ROOMS and room_of(name) not in (None, own)

    assert breaches(PIPELINE, wrong) == []


@pytest.mark.parametrize("foundation", ["lakehouse", "settings.py", "streams.py", "environment.py"])
def test_what_all_rooms_stand_on_imports_none_of_them(foundation):
    def wrong(file, name):
        above = room_of(name) is not None or name.startswith(
            ("ecommerce_pipeline.cli", "ecommerce_pipeline.definitions")
        )
        return file.split("/")[0] == foundation and above

    assert breaches(PIPELINE, wrong) == []


def test_rooms_do_not_import_the_command_line_or_the_table_of_contents():
    def wrong(file, name):
        return file.split("/")[0] in ROOMS and name.startswith(ABOVE)

    assert breaches(PIPELINE, wrong) == []


def test_the_singer_packages_import_nothing_of_the_pipeline_nor_of_the_demo():
    assert breaches(PLUGINS, lambda _, name: name.split(".")[0] in {"ecommerce_pipeline", "shopsphere"}) == []


def test_the_pipeline_does_not_import_the_singer_packages():
    assert breaches(PIPELINE, lambda _, name: name.split(".")[0] in SINGER_PACKAGES) == []


def reads_environment(tree):
    own = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os"]
    return [node for node in own if node.attr in {"environ", "getenv"}]


def test_only_the_settings_and_what_hands_it_on_touch_the_environment():
    touching = {file for file, tree in modules(PIPELINE) if reads_environment(tree)}
    assert touching == READERS


@pytest.mark.parametrize("file", sorted(PASSED_ON))
def test_who_hands_the_environment_on_takes_no_value_out_of_it(file):
    tree = ast.parse((PIPELINE / file).read_text())
    whole = [
        value
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if key is None and isinstance(value, ast.Attribute)
    ]
    assert reads_environment(tree) == whole  # every use is `{**os.environ, …}`


@pytest.mark.parametrize("file", sorted(GIVEN))
def test_who_is_given_an_environment_only_puts_it_in_place(file):
    tree = ast.parse((PIPELINE / file).read_text())
    uses = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    placed = [use for use in uses if use in {"os.environ.clear", "os.environ.update"}]
    assert len(reads_environment(tree)) == len(placed) > 0


def test_there_are_modules_to_look_at():
    assert len(dict(modules(PIPELINE))) > 60
    assert {Path(file).parts[0] for file, _ in modules(PLUGINS)} == {name.replace("_", "-") for name in SINGER_PACKAGES}
