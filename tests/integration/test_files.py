"""File blocks in their folder: what leads out of it, and what goes wrong in it."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from executions.effects import clients_of
from executions.effects.files import store, transfer, tree
from executions.effects.files.store import FolderFiles
from flows.blocks import ALL, BY_TYPE
from flows.blocks.base import Block, Effect
from flows.blocks.clients import Clients
from flows.blocks.errors import BlockException
from flows.values import ExceptionValue

BLOCKS = [block for block in ALL if block.palette == "Files & Folders"]
#: Properties for a block of this palette beside its path, so that it would write `free`.
OTHERS = {
    "Destination Path": "free",
    "Overwrite": True,
    "Recursive": True,
    "New Name": "free",
    "Text": "x",
    "Lines": ["x"],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The files folder, beside a file and a folder that no flow may reach."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    root = tmp_path / "files"
    root.mkdir()
    return root


@pytest.fixture
def clients(root: Path) -> Clients:
    return clients_of(FolderFiles(root), ())


def perform(clients: Clients, kind: str | Block, **given: Any) -> Any:
    block = BY_TYPE[kind.casefold()] if isinstance(kind, str) else kind
    named = {prop.name: prop.default for prop in block.properties if prop.reads}
    return block.perform(named | {k.replace("_", " "): v for k, v in given.items()}, clients)


def thrown(clients: Clients, kind: str | Block, **given: Any) -> ExceptionValue:
    with pytest.raises(BlockException) as caught:
        perform(clients, kind, **given)
    return caught.value.value


def attempt(clients: Clients, kind: str | Block, **given: Any) -> ExceptionValue | None:
    """Perform a block that may throw; return what it threw."""
    try:
        perform(clients, kind, **given)
    except BlockException as problem:
        return problem.value
    return None


def with_path(block: Block, path: str) -> dict[str, Any]:
    """What a block is given, with that path."""
    names = {prop.name for prop in block.properties if prop.reads}
    first = block.properties[0].name
    value: Any = [path] if first.endswith("Paths") else path
    return {name: value for name, value in OTHERS.items() if name in names} | {first: value}


def outside(root: Path) -> dict[str, str]:
    folder = root.parent / "outside"
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.*")}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.type)
def test_no_block_leaves_the_folder(block: Block, clients: Clients, root: Path) -> None:
    """By `..`, an absolute path, a link to a file or folder, or a link on the way."""
    (root / "link.txt").symlink_to(root.parent / "outside" / "secret.txt")
    (root / "link").symlink_to(root.parent / "outside")
    for path in (
        "../outside/secret.txt",
        "../outside",
        str(root.parent / "outside" / "secret.txt"),
        "a/../../outside",
        "link.txt",
        "link",
        "link/secret.txt",
        "link/new.txt",
        "/etc/passwd",
    ):
        given = with_path(block, path)
        if block.type.startswith("Check"):
            assert list(perform(clients, block, **given).values()) == [False]
            continue
        problem = thrown(clients, block, **given)
        assert problem.short_type == "OperationFailedException"
        assert "outside the folder that flows may use" in problem.message
        assert str(root) not in problem.message
    assert outside(root) == {"secret.txt": "secret"}
    assert not (root / "free").exists() or not any((root / "free").iterdir())


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.type)
def test_no_destination_leaves_the_folder(block: Block, clients: Clients, root: Path) -> None:
    if "Destination Path" not in {prop.name for prop in block.properties}:
        return
    (root / "link").symlink_to(root.parent / "outside")
    folder = block.properties[0].name.startswith("Folder")
    (root / "it").mkdir() if folder else (root / "it").write_text("one")
    for path in ("../outside", "link", "link/inner", str(root.parent / "outside")):
        given = with_path(block, "it") | {"Destination Path": path}
        assert "outside the folder" in thrown(clients, block, **given).message
    assert outside(root) == {"secret.txt": "secret"}
    assert (root / "it").exists()


def test_a_link_that_changes_meanwhile_leads_nowhere(clients: Clients, root: Path) -> None:
    """Another program swaps a folder for a link to the outside, again and again."""
    (root / "real").mkdir()
    (root / "way").mkdir()
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            # What the blocks made meanwhile may be in the way.
            with suppress(OSError):
                os.rename(root / "way", root / "aside")
            with suppress(OSError):
                os.symlink(root.parent / "outside", root / "way")
            shutil.rmtree(root / "aside", ignore_errors=True)
            with suppress(OSError):
                os.unlink(root / "way")
            with suppress(OSError):
                os.mkdir(root / "way")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for number in range(100):
            for kind, given in (
                ("Write All Text", {"File_Path": f"way/{number}.txt", "Text": "x"}),
                ("Create Folder", {"Folder_Path": f"way/{number}/inner"}),
                ("Delete File", {"File_Path": "way/secret.txt"}),
                ("Delete Folder", {"Folder_Path": "way/secret.txt", "Recursive": True}),
            ):
                problem = attempt(clients, kind, **given)
                assert problem is None or problem.short_type == "OperationFailedException"
    finally:
        done.set()
        swapping.join()
    assert list((root.parent / "outside").iterdir()) == [root.parent / "outside" / "secret.txt"]


def test_links_within_the_folder_are_followed(clients: Clients, root: Path) -> None:
    (root / "real").mkdir()
    (root / "real" / "a.txt").write_text("one")
    (root / "way").symlink_to("real")
    (root / "a").symlink_to("real/a.txt")
    (root / "broken").symlink_to("nowhere")
    (root / "out").symlink_to(root.parent / "outside")
    assert perform(clients, "Read All Text", File_Path="way/a.txt") == {"Text": "one"}
    content = perform(clients, "Get Folder Content", Folder_Path=".", Recursive=True)
    assert content == {"Paths": ["./a", "./real/a.txt"]}
    folders = perform(
        clients, "Get Folder Content", Folder_Path=str(root), Content_Options="Folders"
    )
    assert folders == {"Paths": [f"{root}/real", f"{root}/way"]}


def test_a_link_is_deleted_and_what_it_leads_to_stays(clients: Clients, root: Path) -> None:
    (root / "real").mkdir()
    (root / "real" / "a.txt").write_text("one")
    (root / "a").symlink_to("real/a.txt")
    (root / "way").symlink_to("real")
    perform(clients, "Delete File", File_Path="a")
    perform(clients, "Delete Folder", Folder_Path="way", Recursive=True)
    assert [path.name for path in root.iterdir()] == ["real"]
    (root / "holder").mkdir()
    (root / "holder" / "out").symlink_to(root.parent / "outside")
    perform(clients, "Delete Folder", Folder_Path="holder", Recursive=True)
    assert (root / "real" / "a.txt").read_text() == "one"
    assert outside(root) == {"secret.txt": "secret"}


def test_a_folder_is_copied_with_its_links(clients: Clients, root: Path) -> None:
    """What a link leads out to is not copied into the folder."""
    (root / "june").mkdir()
    (root / "june" / "out").symlink_to(root.parent / "outside" / "secret.txt")
    given = {"Folder_Path": "june", "Destination_Path": "copies"}
    perform(clients, "Copy Folder", **given)
    perform(clients, "Copy Folder", **given, Overwrite=True)
    assert (root / "copies" / "june" / "out").is_symlink()
    assert "outside" in thrown(clients, "Read All Text", File_Path="copies/june/out").message


# A full disk, a long name, a vanished file ---------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few blocks. Only root may mount one, which the gate is."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_costs_nothing_that_was_there(small_disk: Path) -> None:
    clients = clients_of(FolderFiles(small_disk), ())
    (small_disk / "old.txt").write_text("old")
    (small_disk / "big.txt").write_text("x" * 40_000)
    (small_disk / "june").mkdir()
    (small_disk / "june" / "big.txt").write_text("y" * 8_000)
    more = "z" * 40_000
    for kind, given in (
        ("Write All Text", {"File_Path": "old.txt", "Text": more, "Overwrite": True}),
        ("Write All Text", {"File_Path": "old.txt", "Text": more}),
        ("Write All Lines", {"File_Path": "old.txt", "Lines": [more], "Overwrite": True}),
        ("Copy File", {"File_Path": "big.txt", "Destination_Path": "old.txt", "Overwrite": True}),
        ("Copy File", {"File_Path": "big.txt", "Destination_Path": "new.txt"}),
        ("Copy Files", {"File_Paths": ["big.txt"], "Destination_Path": "june", "Overwrite": True}),
    ):
        problem = thrown(clients, kind, **given)
        assert problem.short_type == "OperationFailedException"
        assert "The disk is full." in problem.message
        (inner,) = problem.extra["PathExceptions"].values()
        assert inner.short_type == "IOException"
    left = {str(p.relative_to(small_disk)) for p in small_disk.rglob("*")}
    assert left == {"old.txt", "big.txt", "june", "june/big.txt"}
    assert (small_disk / "old.txt").read_text() == "old"
    assert (small_disk / "june" / "big.txt").read_text() == "y" * 8_000


def test_another_file_system_in_the_folder(small_disk: Path, tmp_path: Path) -> None:
    """A file cannot be renamed to there: it is copied, and then deleted."""
    clients = clients_of(FolderFiles(tmp_path), ())
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "june" / "old").mkdir(parents=True)
    (tmp_path / "june" / "old" / "b.txt").write_text("two")
    perform(clients, "Move File", File_Path="a.txt", Destination_Path="disk/here.txt")
    perform(clients, "Move Folder", Folder_Path="june", Destination_Path="disk")
    assert (small_disk / "here.txt").read_text() == "one"
    assert (small_disk / "june" / "old" / "b.txt").read_text() == "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk"]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.type)
def test_a_name_of_300_characters(block: Block, clients: Clients, root: Path) -> None:
    """It is told as too long; there is nothing to delete by it, and it does not exist."""
    given = with_path(block, "x" * 300)
    if block.type.startswith("Check"):
        assert list(perform(clients, block, **given).values()) == [False]
        return
    problem = thrown(clients, block, **given)
    assert problem.short_type == "OperationFailedException"
    assert "name" in problem.message.replace("x" * 300, "")
    assert str(root) not in problem.message


@pytest.mark.parametrize("kind", ["Copy File", "Move File", "Copy Folder", "Move Folder"])
def test_a_destination_of_300_characters(kind: str, clients: Clients, root: Path) -> None:
    (root / "it").mkdir() if kind.endswith("Folder") else (root / "it").write_text("one")
    given = with_path(BY_TYPE[kind.casefold()], "it") | {"Destination Path": "x" * 300}
    assert thrown(clients, kind, **given).short_type == "InvalidPathException"
    problem = thrown(clients, kind, **given | {"Destination Path": "a/" * 17_000})
    assert problem.short_type == "InvalidPathException"


@pytest.mark.parametrize("kind", ["Duplicate Folder", "Rename Folder"])
def test_a_new_name_of_300_characters(kind: str, clients: Clients, root: Path) -> None:
    (root / "it").mkdir()
    problem = thrown(clients, kind, Folder_Path="it", New_Name="x" * 300)
    assert problem.short_type == "InvalidFolderNameException"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.type)
def test_a_path_that_has_vanished(block: Block, clients: Clients, root: Path) -> None:
    """Deleting it, making it and asking for it succeed; everything else says that it is missing."""
    given = with_path(block, "gone/it")
    if block.type.split()[0] in ("Check", "Create", "Delete", "Write"):
        perform(clients, block, **given)
        return
    problem = thrown(clients, block, **given)
    assert problem.short_type == "OperationFailedException"
    assert "There is no such" in problem.message
    (inner,) = problem.extra["PathExceptions"].values()
    assert inner.short_type == "FileNotFoundException"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.type)
def test_odd_paths(block: Block, clients: Clients, root: Path) -> None:
    for path in ("a\0b", "   ", " a", "pipe", "file/below"):
        (root / "file").write_text("kept")
        if not (root / "pipe").exists():
            os.mkfifo(root / "pipe")
        given = with_path(block, path)
        problem = attempt(clients, block, **given)
        assert problem is None or problem.short_type == "OperationFailedException"
        assert problem is None or str(root) not in problem.message
    assert (root / "file").read_text() == "kept"


def test_a_folder_that_others_empty_meanwhile(clients: Clients, root: Path) -> None:
    """Nobody minds what another has deleted already."""
    problems: list[ExceptionValue | None] = []

    def delete() -> None:
        given = {"Folder_Path": "many", "Recursive": True}
        problems.append(attempt(clients, "Delete Folder", **given))

    for _ in range(5):
        for number in range(200):
            (root / "many" / str(number % 10)).mkdir(parents=True, exist_ok=True)
            (root / "many" / str(number % 10) / f"{number}.txt").write_text("x")
        threads = [threading.Thread(target=delete) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not (root / "many").exists()
    assert problems == [None] * 15


def test_two_who_copy_without_overwrite_do_not_lose_a_file(clients: Clients, root: Path) -> None:
    (root / "a.txt").write_text("a" * 100_000)
    (root / "b.txt").write_text("b" * 100_000)
    results: dict[str, ExceptionValue | None] = {}

    def copy(name: str) -> None:
        given = {"File_Path": name, "Destination_Path": "target.txt"}
        results[name] = attempt(clients, "Copy File", **given)

    for _ in range(20):
        threads = [threading.Thread(target=copy, args=[name]) for name in ("a.txt", "b.txt")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (winner,) = [name for name, problem in results.items() if problem is None]
        (refused,) = filter(None, results.values())
        assert "exists already" in refused.message
        assert (root / "target.txt").read_text() == (root / winner).read_text()
        (root / "target.txt").unlink()
    assert sorted(path.name for path in root.iterdir()) == ["a.txt", "b.txt"]


def test_large_folders_are_refused(
    clients: Clients, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "FOLDER_ENTRIES", 3)
    monkeypatch.setattr(transfer, "FOLDER_ENTRIES", 3)
    (root / "many").mkdir()
    for number in range(4):
        (root / "many" / str(number)).write_text("x")
    for block in BLOCKS:
        if not block.type.endswith(("Content", "Folder Information", "Copy Folder", "Move Folder")):
            continue
        problem = thrown(clients, block, **with_path(block, "many"))
        assert "more than 3 files" in problem.message
    assert len(list((root / "many").iterdir())) == 4


def test_deep_folders_are_refused(
    clients: Clients, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "FOLDER_LEVELS", 3)
    (root / "a" / "b" / "c" / "d" / "e").mkdir(parents=True)
    for kind in ("Get Folder Information", "Copy Folder", "Move Folder"):
        given = with_path(BY_TYPE[kind.casefold()], "a")
        assert "more than 3 deep" in thrown(clients, kind, **given).message


def test_names_in_every_script(clients: Clients, root: Path) -> None:
    for name in ("отчёт.txt", "報告.txt", "تقرير.txt", "😀.txt", "é.txt"):
        perform(clients, "Write All Text", File_Path=f"ordner/{name}", Text=name)
        assert perform(clients, "Read All Text", File_Path=f"ordner/{name}") == {"Text": name}
    assert len(perform(clients, "Get Folder Content", Folder_Path="ordner")["Paths"]) == 5


def test_a_move_without_room_for_a_copy(root: Path) -> None:
    """The limit is on what is there: to move needs no room, to copy does."""
    clients = clients_of(FolderFiles(root, limit=30_000), ())
    (root / "june").mkdir()
    (root / "june" / "a.txt").write_text("x" * 14_000)
    problem = thrown(clients, "Copy Folder", Folder_Path="june", Destination_Path="copies")
    assert "FILES_BYTES" in problem.message
    perform(clients, "Move Folder", Folder_Path="june", Destination_Path="moved")
    assert (root / "moved" / "june" / "a.txt").exists()
    perform(clients, "Delete Folder", Folder_Path="moved", Recursive=True)
    perform(clients, "Write All Text", File_Path="new.txt", Text="x" * 20_000)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.type)
def test_what_may_be_done_again_after_a_crash(block: Block, clients: Clients, root: Path) -> None:
    """A block that may run again gives the same the second time."""
    folder = block.properties[0].name.startswith("Folder")
    if folder:
        (root / "it").mkdir()
        (root / "it" / "a.txt").write_text("one")
    else:
        (root / "it").write_text("one")
    given = with_path(block, "it" if not block.type.startswith("Create") else "new")
    if block.effect_of(given) is Effect.REPEATABLE:
        first = perform(clients, block, **given)
        again = perform(clients, block, **given)
        for value in (first, again):
            for name in ("File Information", "Folder Information"):
                for key in ("LastAccessTimeLocal", "LastAccessTimeUtc"):
                    value.get(name, {}).pop(key, None)
        assert first == again
    else:
        assert block.type.startswith(("Move", "Duplicate", "Rename"))


def test_a_list_of_paths_goes_on_after_a_failure(clients: Clients, root: Path) -> None:
    """Semantics 51: what fails is thrown together, at the end, by index or by path."""
    (root / "a.txt").write_text("one")
    paths = ["missing.txt", "a.txt", None, "a.txt"]
    problem = thrown(clients, "Copy Files", File_Paths=paths, Destination_Path="copies")
    assert (root / "copies" / "a.txt").read_text() == "one"
    assert problem.message == (
        "3 of 4 File Paths could not be copied. 'missing.txt': There is no such file. "
        "Item 2 is null or empty. 'a.txt' is there 2 times."
    )
    assert problem.extra["IndexesOfNullOrEmptyPaths"] == [2]
    assert problem.extra["IndexesOfDuplicatePaths"] == {"a.txt": [1, 3]}
    assert problem.extra["PathExceptions"]["missing.txt"].short_type == "FileNotFoundException"


def test_what_a_killed_copy_has_left_is_deleted_at_a_later_measure(
    root: Path, clients: Clients
) -> None:
    """One that may still be written stays, and so does a file of a flow with an odd name."""
    left, written = root / "a" / ".unfinished-0123456789abcdef", root / f".unfinished-{'1' * 16}"
    own = root / ".unfinished-business"
    left.parent.mkdir()
    for file in (left, written, own):
        file.write_text("x")
    for file in (left, own):
        os.utime(file, (0, 0))
    (root / "source.txt").write_text("x")
    os.utime(root / "source.txt", (1_000_000, 1_000_000))
    perform(clients, "Copy File", File_Path="source.txt", Destination_Path="copy.txt")
    assert sorted(path.name for path in root.rglob("*") if path.is_file()) == sorted([
        own.name, written.name, "source.txt", "copy.txt"
    ])  # fmt: skip
    assert (root / "copy.txt").stat().st_mtime == 1_000_000
