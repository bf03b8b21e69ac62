"""dbt's unit tests: every formula on rows written by hand. A run leaves them out, because no data can change them."""

from ecommerce_pipeline.transformation import dbt, project


def test_every_formula_gives_what_its_unit_tests_say(loaded, settings, tmp_path):
    folder = project.with_partial_parse(settings, tmp_path)
    dbt.run(
        settings, ["test", "--select", "test_type:unit"], project_dir=project.project_dir(settings), target_path=folder
    )
