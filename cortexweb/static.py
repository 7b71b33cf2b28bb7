"""Bundles static files for `collectstatic`: one script and one style sheet a page, compressed,
under names with their hash, so that browsers cache them for good.

The files in static/js/pages and static/css/pages name what a page is made of, by `import` and
`@import`. Browsers read them as they are too: without `collectstatic` nothing else has to be built.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

Read = Callable[[str], str]

PAGES = re.compile(r"(js|css)/pages/[^/]+\.(js|css)")

IMPORT = re.compile(r'^import (?:(\{[^}]*\}|\* as \w+) from )?"(\./|\.\./)([\w./-]+)";$', re.M)
EXPORT_FROM = re.compile(r'^export (\{[^}]*\}) from "(\./|\.\./)([\w./-]+)";$', re.M)
EXPORT = re.compile(r"^export (?=(?:(?:async )?function\*?|class) (\w+)|const (\w+) =)", re.M)
#: Module syntax that this bundler does not support.
UNREAD = re.compile(r"^(?:import|export)\b.*|\bimport\.meta\b.*|\bimport\(.*", re.M)

STYLE_IMPORT = re.compile(r'^@import url\("([\w./-]+)"\)(?: ([^;]+))?;$', re.M)


class CannotBundleError(Exception):
    """A module or style sheet names a file that is not there, or contains syntax that cannot be
    bundled."""


def script(page: str, read: Read) -> str:
    """Return one script that does what the module `page` and all of its imports do.

    Each module keeps its own scope and runs once, in the order in which a browser would run them.
    CannotBundleError for syntax that is not understood, and for circles of imports.
    """
    done: dict[str, str] = {}
    _add_module(page, read, done, ())
    return '"use strict";\nconst modules = {};\n' + "".join(done.values())


def _add_module(name: str, read: Read, done: dict[str, str], above: tuple[str, ...]) -> None:
    if name in above:
        raise CannotBundleError(f"A circle of imports: {' → '.join([*above, name])}.")
    if name in done:
        return
    source = read(name)
    for pattern in (IMPORT, EXPORT_FROM):
        for found in pattern.finditer(source):
            _add_module(_resolved(name, *found.group(2, 3)), read, done, (*above, name))
    done[name] = _wrapped(name, source)


def _wrapped(name: str, source: str) -> str:
    """Return a module as a function that is called once and stores its exports in `modules`."""
    exports: dict[str, str] = {}

    def import_(found: re.Match[str]) -> str:
        names, *path = found.groups()
        if names is None:
            return ""
        target = names.removeprefix("* as ") if names.startswith("*") else _renamed(names)
        return f'const {target} = modules["{_resolved(name, *path)}"];'

    def export_from(found: re.Match[str]) -> str:
        names, *path = found.groups()
        for one in names.strip("{} ").split(","):
            own, _, given = one.strip().partition(" as ")
            exports[given or own] = f'modules["{_resolved(name, *path)}"].{own}'
        return ""

    def export(found: re.Match[str]) -> str:
        own = found[1] or found[2]
        exports[own] = own
        return ""

    body = EXPORT.sub(export, EXPORT_FROM.sub(export_from, IMPORT.sub(import_, source)))
    if unread := UNREAD.search(body):
        raise CannotBundleError(f"{name}: {unread[0]!r} is not understood by cortexweb/static.py.")
    returned = ", ".join(f"{given}: {own}" for given, own in exports.items())
    return f'modules["{name}"] = (() => {{\n{body}\nreturn {{ {returned} }};\n}})();\n'


def _renamed(names: str) -> str:
    """Return `{ a as b }` of an import as the `{ a: b }` of a destructuring assignment."""
    return re.sub(r"(\w+) as (\w+)", r"\1: \2", names)


def _resolved(name: str, *path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), *path))


def style(page: str, read: Read) -> str:
    """Return one style sheet with everything that `page` imports, each in its media query."""

    def imported(found: re.Match[str]) -> str:
        path, media = found.groups()
        rules = read(_resolved(page, path))
        return f"@media {media} {{\n{rules}}}\n" if media else rules

    whole = STYLE_IMPORT.sub(imported, read(page))
    if "@import" in whole:
        raise CannotBundleError(f"{page}: an @import is not understood by cortexweb/static.py.")
    return whole


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # comes without types
    """Serves what `collectstatic` has written; until it has run, files under their own names."""

    def stored_name(self, name: str) -> str:
        stored = self.hashed_files.get(self.hash_key(self.clean_name(name)))
        return stored or name

    def post_process(
        self, paths: dict[str, tuple[Any, str]], dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str | None, Any]]:
        if not dry_run:
            self._write_pages(paths)
        yield from super().post_process(paths, dry_run=dry_run, **options)

    def make_helpful_exception(self, exception: Exception, name: str) -> Exception:
        """Say in a sentence which file a style sheet names that is not there."""
        told = self._error_msg_re.search(str(exception))
        if told is None:
            return exception
        return CannotBundleError(f"{name} names {told[1]}, which is not there.")

    def _write_pages(self, paths: dict[str, tuple[Any, str]]) -> None:
        def read(name: str) -> str:
            if name not in paths:
                raise CannotBundleError(f"{name} is imported, and is not there.")
            storage, path = paths[name]
            with storage.open(path) as file:
                return str(file.read().decode())

        pages = {
            name: (script if name.endswith(".js") else style)(name, read)
            for name in paths
            if PAGES.fullmatch(name)
        }
        for name, content in pages.items():
            self.delete(name)
            self.save(name, ContentFile(content.encode()))
            paths[name] = (self, name)
