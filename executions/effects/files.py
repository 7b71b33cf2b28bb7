"""Text files inside the configured folder (FILES_ROOT), and nowhere else."""

from dataclasses import dataclass
from pathlib import Path

from executions.limits import FILE_SIZE


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """`flows.blocks.world.Files` below `root`; relative paths start there."""

    root: Path

    def _path(self, path: str) -> Path:
        """Raises PermissionError for a path that leads out of the folder, also by a link."""
        root = self.root.resolve()
        full = (root / path).resolve()
        if not full.is_relative_to(root):
            raise PermissionError(1, "It is outside the folder that flows may use (FILES_ROOT).")
        return full

    def read_text(self, path: str, encoding: str | None) -> str:
        full = self._path(path)
        if full.is_file() and full.stat().st_size > FILE_SIZE:
            raise OSError(27, f"It is larger than {FILE_SIZE:,} bytes.")
        # Line ends are kept as they are, and a byte order mark is left out.
        return full.read_bytes().decode(encoding or "utf-8-sig")

    def write_text(self, path: str, text: str, *, overwrite: bool, encoding: str | None) -> None:
        full = self._path(path)
        data = text.encode(encoding or "utf-8")
        full.parent.mkdir(parents=True, exist_ok=True)
        with full.open("wb" if overwrite else "ab") as file:
            file.write(data)
