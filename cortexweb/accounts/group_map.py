"""Which groups of an identity provider or directory are which groups here."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

#: The longest name of a group (`django.contrib.auth`).
LONGEST = 150


@dataclass(frozen=True, slots=True)
class GroupMap:
    """Pairs of names there and here, and patterns of names that are the same in both places."""

    pairs: tuple[tuple[str, str], ...] = ()
    patterns: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `there=here,other=Other,cortex-*`. A name without `=` stays as it is."""
        pairs, patterns = [], []
        for part in filter(None, map(str.strip, text.split(","))):
            there, equals, here = (each.strip() for each in part.rpartition("="))
            if equals:
                pairs.append((there, here))
            else:
                patterns.append(here)
        return cls(tuple(pairs), tuple(patterns))

    def __bool__(self) -> bool:
        return bool(self.pairs or self.patterns)

    def __str__(self) -> str:
        return ",".join([*(f"{there}={here}" for there, here in self.pairs), *self.patterns])

    def groups_of(self, names: Iterable[str]) -> set[str]:
        """Return the groups here of somebody who is in these groups there."""
        there = set(names)
        found = {here for name, here in self.pairs if name in there}
        return found | {name for name in there if self._is_same(name)}

    def manages(self, group: str) -> bool:
        """Return whether the map alone decides who is in a group here."""
        return any(group == here for _, here in self.pairs) or self._is_same(group)

    def _is_same(self, name: str) -> bool:
        fits = 0 < len(name) <= LONGEST
        return fits and any(fnmatchcase(name, pattern) for pattern in self.patterns)
