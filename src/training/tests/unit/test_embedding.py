import pytest

from training.domain.examples import Example
from training.domain.linear.embedding import embed_attacks
from training.tests.rows import examples


def test_each_document_holds_a_whole_attack_and_fits_a_window() -> None:
    rows = examples()
    attacks = [row.text for row in rows if row.attack]
    made = embed_attacks(rows, 50, window_size=1024, seed=4)
    assert len(made) == 50
    assert all(document.attack and len(document.text) <= 1024 for document in made)
    assert all(any(attack in document.text for attack in attacks) for document in made)


def test_the_same_seed_makes_the_same_documents() -> None:
    rows = examples()
    assert embed_attacks(rows, 9, 1024, 4) == embed_attacks(rows, 9, 1024, 4)
    assert embed_attacks(rows, 9, 1024, 4) != embed_attacks(rows, 9, 1024, 5)


@pytest.mark.parametrize("attack", [True, False])
def test_nothing_is_made_of_one_kind_alone(attack: bool) -> None:
    assert embed_attacks([Example("x" * 350, attack, "s", "c")], 5, 1024, 1) == []
