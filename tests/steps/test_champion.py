import pandas as pd
import pytest

from include.errors import SchemaError
from include.records import FeatureSchema
from include.steps.evaluate.champion import align_answer


def make_schema(*classes: str, target: str = "kind") -> FeatureSchema:
    task = "classification" if classes else "regression"
    return FeatureSchema(inputs=(), task=task, target=target, classes=classes)


ANSWER = pd.DataFrame(
    {"prediction": ["b", "a"], "probability_b": [0.9, 0.3], "probability_a": [0.1, 0.7]}
)


def test_classes_come_in_the_candidates_order() -> None:
    found = align_answer(ANSWER, make_schema("b", "a"), make_schema("a", "b"))
    assert found.tolist() == [[0.1, 0.9], [0.7, 0.3]]


def test_a_class_that_the_champion_does_not_know_has_no_chance_from_it() -> None:
    found = align_answer(ANSWER, make_schema("b", "a"), make_schema("a", "b", "new"))
    assert found.tolist() == [[0.1, 0.9, 0.0], [0.7, 0.3, 0.0]]


def test_a_class_that_is_gone_leaves_what_the_champion_gave_the_others() -> None:
    answer = ANSWER.assign(probability_c=[0.0, 0.0])
    found = align_answer(answer, make_schema("b", "a", "c"), make_schema("a", "b"))
    assert found.tolist() == [[0.1, 0.9], [0.7, 0.3]]


def test_numbers_are_taken_as_they_are() -> None:
    answer = pd.DataFrame({"prediction": [1.5, 2.5]})
    assert align_answer(answer, make_schema(), make_schema()).tolist() == [1.5, 2.5]


def test_a_champion_of_another_target_is_no_rival() -> None:
    with pytest.raises(SchemaError, match=r"must predict 'kind'.*Received: 'price'"):
        align_answer(ANSWER, make_schema(target="price"), make_schema("a", "b"))
