"""Registries that fill themselves: what the modules of a package declare."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """Import and yield the modules of a package, by name."""
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        yield import_module(module.name)


def subpackages(package: ModuleType) -> Iterator[ModuleType]:
    """Import and yield the packages directly below a package, by name."""
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        if module.ispkg:
            yield import_module(module.name)


def declarations(package: ModuleType, name: str) -> Iterator[Any]:
    """Yield what each module of a package declares under a name; a module without it declares
    nothing."""
    for module in modules(package):
        if hasattr(module, name):
            yield getattr(module, name)
