"""Dumps of the embedded database, made and loaded by PostgreSQL's own programs out of the wheel."""

import subprocess
from pathlib import Path

import psycopg
from django.conf import settings
from psycopg import sql

from cortexweb.data_folder import DataFolder
from cortexweb.embedded.postgres import PORT
from cortexweb.embedded.programs import postgres_programs
from cortexweb.embedded.system_user import EmbeddedServerError

DATABASE = "cortexweb"
LOADING = "cortexweb_loading"


def dump(data: DataFolder, file: Path) -> None:
    """Write the database, as of one moment, to the file; other work goes on meanwhile.

    The file is there once it is whole. Raises EmbeddedServerError when it can't be made.
    """
    draft = file.with_name(f"{file.name}.part")
    draft.touch(mode=0o600)  # what is secret in the database is so in the dump
    try:
        _run(data, "pg_dump", "--format", "custom", "--file", str(draft), DATABASE)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def load(data: DataFolder, file: Path) -> None:
    """Replace the database by that of the dump: all of it, or nothing when the dump is broken.

    It is loaded beside the present one, which then goes. Whoever is connected connects anew.
    """
    server = psycopg.connect(_address(data, "postgres"), autocommit=True)
    with server:
        _drop(server, LOADING)
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(LOADING)))
        try:
            arguments = ["--exit-on-error", "--no-owner", "--dbname", LOADING, str(file)]
            _run(data, "pg_restore", *arguments)
        except EmbeddedServerError:
            _drop(server, LOADING)
            raise
        _drop(server, DATABASE)
        server.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(LOADING), sql.Identifier(DATABASE)
            )
        )


def beside_a_dump() -> tuple[str, str, str]:
    """Return what a dump does not hold: where the encryption keys, the secret key and the files of
    this installation are."""
    data = settings.DATA
    own_encryption = data.encryption_keys() == settings.ENCRYPTION_KEYS
    own_secret = data.secret_key() == settings.SECRET_KEY
    return (
        str(data.encryption_file) if own_encryption else "ENCRYPTION_KEYS",
        str(data.key_file) if own_secret else "SECRET_KEY",
        str(settings.FILES_ROOT),
    )


def _drop(server: psycopg.Connection, name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _run(data: DataFolder, program: str, *arguments: str) -> None:
    command = [str(postgres_programs(data) / program), "--host", str(data.sockets)]
    command += ["--port", str(PORT), "--username", "postgres", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EmbeddedServerError(f"{program} failed: {done.stderr.strip()}")


def _address(data: DataFolder, database: str) -> str:
    return f"host={data.sockets} port={PORT} user=postgres dbname={database}"
