"""What the database must hold before the product's processes start."""

import hashlib
import io
import secrets
import shutil
from importlib.metadata import version
from pathlib import Path

import django
import psycopg
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from redis import Redis
from redis.exceptions import RedisError

from cortexweb import static
from cortexweb.up.errors import CannotStartError

ADMINISTRATOR = "admin"
SECONDS_TO_CONNECT = 10


def require_database() -> None:
    """Try the database of DATABASE_URL once: the pool tries for 30 s and doesn't say what fails."""
    parameters = {"connect_timeout": SECONDS_TO_CONNECT, **connection.get_connection_params()}
    try:
        psycopg.connect(**parameters).close()
    except psycopg.Error as error:
        raise CannotStartError(f"The database of DATABASE_URL doesn't answer: {error}") from None


def require_redis() -> None:
    """Try the Redis of REDIS_URL once."""
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=SECONDS_TO_CONNECT) as client:
            client.ping()
    except (RedisError, ValueError) as error:  # ValueError: no such scheme
        raise CannotStartError(f"The Redis of REDIS_URL doesn't answer: {error}") from None


def apply_migrations() -> str:
    """Bring the tables up to date."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not missing:
        return "Migrations: up to date"
    call_command("migrate", interactive=False, verbosity=0)
    return f"Migrations: {len(missing)} applied"


def build_static(record: Path) -> str:
    """Write scripts and styles as they are served: one file a page, compressed.

    It takes seconds, so what `record` says was built of the same files is left as it is.
    """
    sources = _static_sources()
    if record.exists() and record.read_text() == f"{sources} {_static_built()}":
        return "Scripts and styles: up to date"
    try:
        call_command("collectstatic", interactive=False, verbosity=0, stderr=io.StringIO())
    except (static.CannotBundleError, ValueError) as error:  # ValueError: what is not UTF-8
        raise CannotStartError(
            f"Scripts and styles can't be built: {error} Undo what has been changed in "
            f"{settings.BASE_DIR / 'static'}, or install this version of CortexWeb again."
        ) from None
    record.write_text(f"{sources} {_static_built()}")
    return "Scripts and styles: built"


def _static_sources() -> str:
    """Return a digest of everything that `collectstatic` reads, and of what builds it."""
    digest = hashlib.sha256(f"{django.__version__} {version('whitenoise')}".encode())
    digest.update(Path(static.__file__).read_bytes())
    for finder in get_finders():
        for name, storage in finder.list([]):
            with storage.open(name) as file:
                content = file.read()
            digest.update(f"\n{name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _static_built() -> str:
    """Return the digest of what `collectstatic` wrote last, empty when there is nothing."""
    return str(static.Storage().manifest_hash)


def import_examples() -> str:
    """Publish the example flows, and copy the files that they read to where file blocks look.

    A flow that fails is reported, and does not keep the others from starting.
    """
    folder: Path = settings.BASE_DIR / "flows" / "examples"
    _copy_missing(folder / "data", settings.FILES_ROOT)
    outcomes, problems = io.StringIO(), io.StringIO()
    try:
        call_command("import_flows", str(folder), publish=True, stdout=outcomes, stderr=problems)
    except CommandError as error:
        return f"Example flows: {error}\n{problems.getvalue()}".rstrip()
    lines = outcomes.getvalue().splitlines()
    changed = [line for line in lines if not line.endswith(": unchanged")]
    return f"Example flows: {len(changed)} imported" if changed else "Example flows: up to date"


def _copy_missing(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in source.iterdir():
        if (target / file.name).exists():
            continue
        if file.is_dir():
            shutil.copytree(file, target / file.name, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(file, target / file.name)


def ensure_administrator(password: str | None) -> str | None:
    """Create the first administrator, or give the existing one the password that was asked for."""
    users = get_user_model().objects
    if password is None and users.filter(is_superuser=True).exists():
        return None
    administrator = users.filter(username=ADMINISTRATOR).first()
    if administrator is None:
        given = password or secrets.token_urlsafe(12)
        users.create_superuser(ADMINISTRATOR, password=given)
        shown = "as given" if password else f"{given}   (shown only once)"
        return f"Administrator: user {ADMINISTRATOR}, password {shown}"
    if password is None or administrator.check_password(password):
        return None
    administrator.set_password(password)
    administrator.save(update_fields=["password"])
    return f"Administrator: user {ADMINISTRATOR} has the given password"


def close_connections() -> None:
    """Leave the database alone from now on, the pool's background threads included."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's, the only one we have
