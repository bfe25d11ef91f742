"""Text of right-to-left scripts, as it is drawn."""

import pytest

from sumac.pages.bidi import visual_order


@pytest.mark.parametrize(
    ("logical", "drawn"),
    [
        pytest.param("Acme (Ltd) 12", "Acme (Ltd) 12", id="latin-stays"),
        pytest.param("", "", id="nothing"),
        pytest.param("שלום", "םולש", id="hebrew"),
        pytest.param("שלום עולם", "םלוע םולש", id="two-words"),
        pytest.param("Acme שלום", "Acme םולש", id="hebrew-within-latin"),
        pytest.param("שלום Acme", "Acme םולש", id="latin-within-hebrew"),
        pytest.param('שלום 12 (בע"מ)', '(מ"עב) 12 םולש', id="numbers-and-brackets"),
        pytest.param("سلام", "ﻡﻼﺳ", id="arabic-joins"),
        pytest.param("محمد", "ﺪﻤﺤﻣ", id="initial-medial-final"),
        pytest.param("دار", "ﺭﺍﺩ", id="letters-that-join-to-one-side"),
        pytest.param("مَد", "ﺪَﻣ", id="marks-are-passed-over"),
    ],
)
def test_visual_order(logical: str, drawn: str) -> None:
    """Letters turn round, numbers and other scripts do not, brackets are mirrored, Arabic letters join."""
    assert drawn == visual_order(logical)
