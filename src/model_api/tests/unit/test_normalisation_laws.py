"""What holds for every text that is normalised."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model_api.domain.limits import MAX_SIGNAL_SPANS
from model_api.domain.normalisation.composition import compose
from model_api.domain.normalisation.draft import Draft
from model_api.domain.normalisation.normaliser import MAX_ROUNDS, STEPS, normalise

TRICKS = [
    *"aAbeiogсоеріοαВ Xxи ж　",
    *"&;#x0126.-_*\n\r\t,+",
    *"\u200b\u200d\u202e\u00ad\ufeff\u034f\u1160\u115f\u3164\u061c",
    *"\u0301\u0323\u0336\u20e3\u0345\u3099\uff9e\u0e33\u0f71\u05b0\u0344",
    *"\ufe0f\ufe00\U000e0100\U000e0139\U000e0155\U000e0020\U000e0061\U000e0026\U000e007f",
    *"\U0001f3f4\U0001f1eb\U0001f1f7\U0001f170❤Å\u212bﬁ…½ⓘ𝐚＆＃ﷺ가\u1100\u1161\u11a8",
    *"\x00\x1b\x7f\x85\u2028\u00a0\u2800\ud800\udc00\uffff",
    *("&amp;", "amp;", "&#", "&#x", "&#38;", "&#x200b;", "&#xe0061;", "&lt", "&nbsp", "&#769;"),
    *("\x1b[", "\x1b[31m", "i g n o r e", "a.b.c.d.e", "оса", "іgnоrе", "привет", "[0m"),
]

texts = st.one_of(
    st.text(),
    st.text(st.characters(codec=None, categories=["L", "M", "C", "Z", "S"])),
    st.lists(st.sampled_from(TRICKS), max_size=40).map("".join),
)
thorough = settings(max_examples=600, deadline=None)


@thorough
@given(texts)
@example("e\u0336\u0301")
@example("&#x3&#x33&#x336;6;6;")
@example("о\u0301о\u0301о\u0301 x")
def test_normalising_again_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert "unsettled" not in {signal.name for signal in once.signals}
    assert normalise(once.text).text == once.text


@thorough
@given(texts)
def test_offsets_lead_back_to_the_original(text: str) -> None:
    normalised = normalise(text)
    offsets = list(normalised.offsets)
    assert len(offsets) == len(normalised.text) + 1
    assert all(before <= after for before, after in pairwise(offsets))
    assert offsets[-1] == len(text)
    assert all(0 <= offset < len(text) for offset in offsets[:-1])


@thorough
@given(texts)
def test_spans_of_signals_are_places_in_the_original(text: str) -> None:
    for signal in normalise(text).signals:
        assert signal.count >= len(signal.spans) == min(signal.count, MAX_SIGNAL_SPANS)
        assert all(0 <= start < end <= len(text) for start, end in signal.spans)


@thorough
@given(texts, st.data())
def test_pieces_of_the_text_come_from_pieces_of_the_original(
    text: str, data: st.DataObject
) -> None:
    normalised = normalise(text)
    cuts = data.draw(st.lists(st.integers(0, len(normalised.text)), max_size=3).map(sorted))
    borders = [0, *cuts, len(normalised.text)]
    spans = [normalised.original_span(*piece) for piece in pairwise(borders)]
    covered = set().union(*(range(*span) for span in spans))
    assert covered == set(range(len(text)))


@thorough
@given(texts)
def test_ordinary_words_among_tricks_stand_where_their_offsets_say(text: str) -> None:
    normalised = normalise(f"{text} | unmistakable | {text}")
    start = normalised.text.find("unmistakable")
    offsets = normalised.offsets[start : start + 12]
    assert list(offsets) == list(range(len(text) + 3, len(text) + 15))


@thorough
@given(texts)
def test_cluster_by_cluster_is_the_same_as_all_at_once(text: str) -> None:
    draft = Draft(text)
    compose(draft)
    assert draft.text == unicodedata.normalize("NFKC", text)


@given(st.lists(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=2)))
def test_ordinary_words_are_left_alone(words: list[str]) -> None:
    text = " ".join(words)
    normalised = normalise(text)
    assert normalised.text == text
    assert list(normalised.offsets) == list(range(len(text) + 1))
    assert normalised.signals == ()


@thorough
@given(texts)
def test_the_quick_look_overlooks_nothing(text: str) -> None:
    normalised = normalise(text)
    if not normalised.signals and normalised.text == text:
        draft = Draft(text)
        for step in STEPS:
            step(draft)
        assert (draft.text, draft.signals()) == (text, ())


@pytest.mark.parametrize(("layers", "settled"), [(MAX_ROUNDS, True), (MAX_ROUNDS + 1, False)])
def test_layers_beyond_the_limit_are_reported(layers: int, settled: bool) -> None:
    text = "a"
    for _ in range(layers):
        text = f"&{text}mp;#97;"
    normalised = normalise(text)
    assert ("unsettled" in {signal.name for signal in normalised.signals}) is not settled
    assert (normalised.text == "a") is settled
