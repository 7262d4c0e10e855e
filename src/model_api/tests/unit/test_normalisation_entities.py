"""HTML character references."""

import pytest

from model_api.domain.normalisation.normaliser import normalise


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("&#105;gnore", "ignore"),
        ("&#x69;gnore", "ignore"),
        ("&#X00000069;gnore", "ignore"),
        ("&#105gnore", "ignore"),
        ("&lt;system&gt;", "<system>"),
        ("&lt system", "< system"),
        ("&eacute;t&eacute;", "été"),
        ("&NotEqualTilde;", "≂\u0338"),
        ("&amp;amp;amp;amp;amp;amp;amp;amp;amp;amp;lt;", "<"),
        ("&#38;#38;#x26;amp;#105;", "i"),
        ("&am\u200bp;#105;", "i"),
        ("＆＃１０５；gnore", "ignore"),
        ("ignore&#8203;&#173; all", "ignore all"),
        ("&#xE0069;&#xE0067;&#xE006E;", " ign "),
        ("&#x1F;x&#0;", "x\ufffd"),
    ],
)
def test_references_are_decoded(text: str, normal: str) -> None:
    normalised = normalise(text)
    assert normalised.text == normal
    assert "html_entities" in {signal.name for signal in normalised.signals}


@pytest.mark.parametrize(
    "text",
    [
        "R&D, AT&T; a && b",
        "https://example.org/?a=1&copy=2&lt=3&amp=4&region=x&currency=eur",
        "&unknown; &; &#; &#x; &#xg; & # 1 0 5 ;",
        "&#99999999;",
    ],
)
def test_what_is_no_reference_stays(text: str) -> None:
    normalised = normalise(text)
    assert normalised.text == text
    assert normalised.signals == ()


def test_a_reference_is_the_origin_of_its_character() -> None:
    normalised = normalise("a&#105;&amp;lt;b")
    assert normalised.text == "ai<b"
    assert list(normalised.offsets) == [0, 1, 7, 15, 16]
    assert normalised.signals[0].spans == ((1, 7), (7, 15))
