"""The data dictionary in docs/ is what the models say today."""

from pathlib import Path

from ecommerce_pipeline.settings import get_settings
from ecommerce_pipeline.transformation import data_dictionary, project

DICTIONARY = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


def test_the_dictionary_in_the_docs_is_the_one_the_models_give():
    assert DICTIONARY.read_text("utf-8") == data_dictionary.render(project.manifest(get_settings())), "run `make docs`"
