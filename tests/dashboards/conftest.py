"""The dashboards in git and the models in git, as a review would find them; no server."""

import shutil

import pytest
import yaml

from ecommerce_pipeline.dashboards import contract, files
from ecommerce_pipeline.settings import get_settings
from ecommerce_pipeline.transformation import project


@pytest.fixture(scope="session")
def manifest():
    return project.manifest(get_settings())


@pytest.fixture(scope="session")
def found(manifest):
    """What the models promise."""
    return contract.read(manifest)


@pytest.fixture(scope="session")
def assets():
    """What git holds."""
    return files.read(files.folder(get_settings()))


@pytest.fixture
def copy(tmp_path):
    """A copy of the files that a test may spoil: `copy.change(path, **keys)`, then `copy.read()`."""
    return Copy(tmp_path / "assets")


class Copy:
    def __init__(self, root):
        self.root = root
        shutil.copytree(files.folder(get_settings()), root)

    def read(self):
        return files.read(self.root)

    def body(self, name):
        return yaml.safe_load((self.root / name).read_text())

    def change(self, name, **keys):
        self.write(name, {**self.body(name), **keys})

    def write(self, name, body):
        (self.root / name).write_text(files.dump(body))
