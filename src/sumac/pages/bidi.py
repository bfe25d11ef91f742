"""Text of right-to-left scripts in the order and the shapes in which it is drawn.

A PDF places glyphs from left to right and knows nothing of scripts, so a name in Hebrew or Arabic is reordered, and
Arabic letters are joined, before it is drawn. This covers what names and descriptions need of the Unicode bidirectional
algorithm: one paragraph, no explicit embeddings.
"""

import unicodedata
from itertools import groupby, pairwise

RIGHT_TO_LEFT = frozenset({"R", "AL"})
NUMBERS = frozenset({"EN", "AN"})
MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
PRESENTATION_FORMS = range(0xFE70, 0xFEFD)


def _presentation_forms() -> dict[str, dict[str, str]]:
    """By letter, or pair that is drawn as one: its shape by place in a word (isolated, initial, medial, final)."""
    forms: dict[str, dict[str, str]] = {}
    for code in PRESENTATION_FORMS:
        place, *letters = unicodedata.decomposition(chr(code)).split() or [""]
        if letters and letters[0] != "0020":
            text = "".join(chr(int(letter, 16)) for letter in letters)
            forms.setdefault(text, {})[place.strip("<>")] = chr(code)
    return forms


FORMS = _presentation_forms()


def visual_order(text: str) -> str:
    """The text as it is drawn from left to right; text without right-to-left letters stays as it is."""
    kinds = [unicodedata.bidirectional(character) for character in text]
    if RIGHT_TO_LEFT.isdisjoint(kinds):
        return text
    text = _joined(text)
    kinds = [unicodedata.bidirectional(character) for character in text]
    base = 1 if next(kind for kind in kinds if kind == "L" or kind in RIGHT_TO_LEFT) in RIGHT_TO_LEFT else 0
    characters = list(zip(text, _levels(kinds, base), strict=True))
    for level in range(max(level for _, level in characters), 0, -1):
        characters = _reversed_from(characters, level)
    return "".join(character.translate(MIRRORED) if level % 2 else character for character, level in characters)


def _reversed_from(characters: list[tuple[str, int]], least: int) -> list[tuple[str, int]]:
    """With every run of at least this level turned round."""
    ordered: list[tuple[str, int]] = []
    for turns, group in groupby(characters, lambda each: each[1] >= least):
        run = list(group)
        ordered += run[::-1] if turns else run
    return ordered


def _levels(kinds: list[str], base: int) -> list[int]:
    """The embedding level of each character; what has no direction of its own takes that of both its neighbours."""
    levels: list[int | None] = []
    strong = base
    for kind in kinds:
        if kind == "L" or kind in RIGHT_TO_LEFT:
            strong = 0 if kind == "L" else 1
            levels.append(1 if strong else 2 * base)
        elif kind in NUMBERS:
            levels.append(2 if strong or base else 0)
        elif kind == "NSM":
            levels.append(levels[-1] if levels else base)
        else:
            levels.append(None)
    known = [base, *(base if level is None else level for level in levels), base]
    for index, level in enumerate(levels):
        if level is None:
            before = known[index]
            after = next((each for each in levels[index + 1 :] if each is not None), base)
            known[index + 1] = before if before == after else base
    return known[1:-1]


def _joined(text: str) -> str:
    """Arabic letters in the shapes that their neighbours ask for."""
    pieces: list[str] = []
    for character in text:
        if pieces and pieces[-1] + character in FORMS:
            pieces[-1] += character
        else:
            pieces.append(character)
    letters = [index for index, piece in enumerate(pieces) if not unicodedata.combining(piece[-1])]
    joins = {(one, two) for one, two in pairwise(letters) if _goes_on(pieces[one]) and "final" in _forms(pieces[two])}
    after, before = {one for one, _ in joins}, {two for _, two in joins}
    return "".join(
        _forms(piece).get(_place(before=index in before, after=index in after), piece)
        for index, piece in enumerate(pieces)
    )


def _forms(piece: str) -> dict[str, str]:
    return FORMS.get(piece, {})


def _goes_on(piece: str) -> bool:
    return "initial" in _forms(piece)


def _place(*, before: bool, after: bool) -> str:
    if before:
        return "medial" if after else "final"
    return "initial" if after else "isolated"
