"""How texts are compared: the members of the original's StringComparison. Pure."""

import unicodedata


def comparable(text: str, comparison: str) -> str:
    """The form of a text in which a comparison finds it equal to others.

    Cultures take a letter and its marks for the same as the one character that has both; the
    current culture is the invariant one, wherever a worker runs.
    """
    if "Culture" in comparison:
        text = unicodedata.normalize("NFC", text)
    if comparison.endswith("IgnoreCase"):
        # Character by character, as in .NET: "ß" is not "SS".
        text = "".join(c.upper() if len(c.upper()) == 1 else c for c in text)
    return text
