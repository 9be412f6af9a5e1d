"""Text to tokens."""

import pytest

from alphalib.errors import FactorError
from alphalib.features.language.tokens import LONGEST_TEXT, tokens


def test_every_kind_has_its_position():
    found = tokens(" If($close>=-1.5e-3,\n 'a', .5)")
    assert [(token.kind, token.text, token.position) for token in found] == [
        ("name", "If", 1),
        ("symbol", "(", 3),
        ("field", "$close", 4),
        ("symbol", ">=", 10),
        ("symbol", "-", 12),
        ("number", "1.5e-3", 13),
        ("symbol", ",", 19),
        ("text", "'a'", 22),
        ("symbol", ",", 25),
        ("number", ".5", 27),
        ("symbol", ")", 29),
        ("end", "", 30),
    ]


@pytest.mark.parametrize("text", ["1", "1.", ".5", "0.5", "1e5", "1E+5", "1.5e-12", "007"])
def test_numbers_are_whole_tokens(text):
    assert [token.text for token in tokens(text)] == [text, ""]


def test_signs_are_as_long_as_they_can_be():
    assert [token.text for token in tokens("a**b*c&&d&e||f!=g!h")][1:-1:2] == ["**", "*", "&&", "&", "||", "!=", "!"]


def test_a_text_may_be_as_long_as_the_limit():
    assert len(tokens("(" * LONGEST_TEXT)) == LONGEST_TEXT + 1
    with pytest.raises(FactorError, match="an expression may have 4,096 characters, got 4,097"):
        tokens("(" * (LONGEST_TEXT + 1))
