"""`manage.py rotate_encryption`: encrypt the secrets in the database anew, with the newest key."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.core.management import BaseCommand
from django.db import connection, models, transaction

from cortexweb.data_folder import new_encryption_key
from executions.encryption import SEALED, KeyMissing, decrypt, encrypt
from executions.fields import Encrypted

_BATCH = 500
_READ = """
    SELECT {key}, {column}::text FROM {table}
    WHERE {column} IS NOT NULL AND {column}::text <> '' AND {column}::text LIKE %(like)s AND {after}
    ORDER BY {key} LIMIT %(batch)s
"""
#: What somebody has changed meanwhile is encrypted with the newest key already.
_WRITE = """
    UPDATE {table} SET {column} = %(new)s WHERE ({key}) = {values} AND {column}::text = %(old)s
"""


class Command(BaseCommand):
    help = (
        "Encrypt the secrets in the database with the first of ENCRYPTION_KEYS, also those that "
        "were stored before there was a key. After that, the other keys are not needed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--new-key",
            action="store_true",
            help="make a new key instead: shown for ENCRYPTION_KEYS, or put into the data folder",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new_key"]:
            self._make_key()
            return
        lost = 0
        for field in encrypted_fields():
            done, missing = reencrypt(field)
            lost += missing
            if done or missing:
                told = f"{field.model._meta.label}.{field.name}: {done:,} encrypted"
                self.stdout.write(told + (f", {missing:,} with a missing key" if missing else ""))
        done, missing = reencrypt_second_factors()
        lost += missing
        if done or missing:
            self.stdout.write(f"Second factors: {done:,} encrypted, {missing:,} with a missing key")
        if lost:
            self.stderr.write(f"{lost:,} could not be read. Add their key to ENCRYPTION_KEYS.")
        else:
            self.stdout.write("Everything is encrypted with the newest key.")

    def _make_key(self) -> None:
        keys = settings.DATA.encryption_keys()
        if not keys or keys != settings.ENCRYPTION_KEYS:
            self.stdout.write(new_encryption_key())
            return
        settings.DATA.add_encryption_key()
        self.stdout.write(
            "A new key is in the data folder. Start `up` anew, then run "
            "`manage.py rotate_encryption`."
        )


def encrypted_fields() -> list[Encrypted]:
    """Return every column that is encrypted."""
    models_fields = (model._meta.local_fields for model in apps.get_models())
    return [one for fields in models_fields for one in fields if isinstance(one, Encrypted)]


def reencrypt(field: Encrypted) -> tuple[int, int]:
    """Encrypt a column anew; return of how many rows, and how many could not be read."""
    done = missing = 0
    after: tuple[Any, ...] | None = None
    while rows := _rows(field, after):
        with transaction.atomic():
            for *key, stored in rows:
                try:
                    _write(field, key, stored)
                    done += 1
                except KeyMissing:
                    missing += 1
        after = rows[-1][:-1]
    return done, missing


def reencrypt_second_factors() -> tuple[int, int]:
    """Encrypt the keys of apps and of recovery codes anew, which lie within JSON of allauth's."""
    done = missing = 0
    kinds = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}
    with transaction.atomic():
        for one in Authenticator.objects.filter(type__in=kinds).select_for_update().iterator():
            name = kinds[one.type]
            try:
                one.data[name] = encrypt(decrypt(one.data[name]))
            except KeyMissing:
                missing += 1
                continue
            one.save(update_fields=["data"])
            done += 1
    return done, missing


def _sql(statement: str, field: Encrypted, **parts: str) -> str:
    """Return a statement about a column."""
    meta, quoted = field.model._meta, connection.ops.quote_name
    return statement.format(
        table=quoted(meta.db_table),
        column=quoted(str(field.column)),
        key=", ".join(quoted(str(one.column)) for one in meta.pk_fields),
        **parts,
    )


def _rows(field: Encrypted, after: tuple[Any, ...] | None) -> list[tuple[Any, ...]]:
    like = "%" if field.is_whole else f'%"{SEALED}"%'
    begin = "true" if after is None else "({key}) > (" + _places(after) + ")"
    statement = _sql(_READ.replace("{after}", begin), field)
    with connection.cursor() as cursor:
        cursor.execute(statement, {"like": like, "batch": _BATCH, **_named(after or ())})
        return list(cursor.fetchall())


def _write(field: Encrypted, key: Sequence[Any], stored: str) -> None:
    if isinstance(field, models.JSONField):
        new = json.dumps(field.reencrypted(json.loads(stored)), ensure_ascii=False)
    else:
        new = field.reencrypted(stored)
    statement = _sql(_WRITE, field, values=f"({_places(key)})")
    with connection.cursor() as cursor:
        cursor.execute(statement, {"new": new, "old": stored, **_named(key)})


def _places(key: Sequence[Any]) -> str:
    return ", ".join(f"%(key{number})s" for number in range(len(key)))


def _named(key: Sequence[Any]) -> dict[str, Any]:
    return {f"key{number}": value for number, value in enumerate(key)}
