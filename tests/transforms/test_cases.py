"""Every transform, run on a few rows that tell a story."""

import pytest

from pipelines.transforms import LAYERS, Transform, load_transforms
from tests.transforms.cases import FOLDER, Case, Types, case_file, read_cases, run

TRANSFORMS = list(load_transforms().values())
CASES = [case for transform in TRANSFORMS for case in read_cases(transform)]


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=f"{c.transform.name}: {c.name}") for c in CASES]
)
def test_given_rows_become_the_expected_rows(case: Case, types: Types):
    differences = run(case, types)

    assert not differences, f"{case_file(case.transform).name}: {case.name}\n{differences}"


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: t.name)
def test_every_transform_has_cases(transform: Transform):
    names = [case.name for case in CASES if case.transform is transform]

    assert names, f"write {case_file(transform)}"
    assert len(names) == len(set(names))


def test_every_case_file_belongs_to_a_transform():
    known = {case_file(transform) for transform in TRANSFORMS}
    written = {path for layer in LAYERS for path in (FOLDER / layer).glob("*.yaml")}

    assert written <= known
