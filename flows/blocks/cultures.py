"""The properties that name a culture."""

from collections.abc import Mapping
from typing import Any

from flows.blocks.base import Property
from flows.blocks.errors import exception, invalid_property
from flows.formats.cultures import Culture, UnknownCulture, culture

CULTURE_INFO = Property(
    "Culture Info", "CultureInfo", advanced=True, description="such as en-US; null is invariant"
)
FORMAT_PROVIDER = Property(
    "Format Provider",
    "IFormatProvider",
    default="InvariantCulture",
    advanced=True,
    description="a culture, such as en-US; null is invariant",
)


def culture_info(inputs: Mapping[str, Any]) -> Culture:
    """Return the culture of Culture Info. Raises InvalidPropertyValueException as a
    BlockException."""
    try:
        return culture(inputs[CULTURE_INFO.name])
    except UnknownCulture as problem:
        raise invalid_property(CULTURE_INFO.name, str(problem)) from None


def format_provider(inputs: Mapping[str, Any]) -> Culture:
    """Return the culture of Format Provider. Raises CultureInfoNotFoundException as a
    BlockException."""
    try:
        return culture(inputs[FORMAT_PROVIDER.name])
    except UnknownCulture as problem:
        raise exception(
            "CultureInfoNotFoundException",
            f"The value of '{FORMAT_PROVIDER.name}' is not valid: {problem}",
        ) from None
