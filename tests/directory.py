"""A real LDAP directory on loopback: Debian's slapd, in a process of its own."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import Process, free_port

BASE = "dc=acme,dc=example"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{BASE}", "the secret of the directory"
_SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
database mdb
suffix "{base}"
rootdn "{admin}"
rootpw "{password}"
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{admin}" write by * none
"""
_PEOPLE = """
dn: {base}
objectClass: dcObject
objectClass: organization
o: Acme
dc: acme

dn: ou=people,{base}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{base}
objectClass: organizationalUnit
ou: groups

dn: uid=ada,ou=people,{base}
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace
givenName: Ada
sn: Lovelace
mail: ada@acme.example
userPassword: correct horse 7

dn: uid=admin,ou=people,{base}
objectClass: inetOrgPerson
uid: admin
cn: Somebody
sn: Somebody
userPassword: correct horse 7

dn: cn=cortex-operators,ou=groups,{base}
objectClass: groupOfNames
cn: cortex-operators
member: uid=ada,ou=people,{base}

dn: cn=team-blue,ou=groups,{base}
objectClass: groupOfNames
cn: team-blue
member: uid=admin,ou=people,{base}
"""


@dataclass(frozen=True)
class Directory:
    """The directory, with Ada, and somebody whose name an account of the site has."""

    url: str

    def change(self, ldif: str) -> None:
        """Change it, as its administrator does."""
        command = ["ldapmodify", "-x", "-H", self.url, "-D", ADMIN, "-w", ADMIN_PASSWORD]
        subprocess.run(command, input=ldif.format(base=BASE), text=True, check=True)


def require_slapd() -> None:
    """Skip the tests of a module where slapd or python-ldap is not installed; fail instead where
    CORTEXWEB_REQUIRE_LDAP says that they are."""
    missing = "" if shutil.which("slapd", path=_SBIN) else "slapd is not installed"
    try:
        import django_auth_ldap.backend  # noqa: F401
    except ImportError:
        missing = "the extra ldap is not installed"
    if missing and os.environ.get("CORTEXWEB_REQUIRE_LDAP"):
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing, allow_module_level=True)


@contextmanager
def directory(folder: Path) -> Iterator[Directory]:
    """Run slapd."""
    (folder / "data").mkdir()
    configuration = folder / "slapd.conf"
    configuration.write_text(
        _CONFIGURATION.format(folder=folder, base=BASE, admin=ADMIN, password=ADMIN_PASSWORD)
    )
    slapd = shutil.which("slapd", path=_SBIN)
    slapadd = shutil.which("slapadd", path=_SBIN)
    assert slapd is not None
    assert slapadd is not None
    people = _PEOPLE.format(base=BASE)
    subprocess.run([slapadd, "-f", configuration], input=people, text=True, check=True)
    port = free_port()
    url = f"ldap://127.0.0.1:{port}"
    command = [slapd, "-f", str(configuration), "-h", url, "-d", "0"]
    process = Process("slapd", command, folder / "slapd.log", dict(os.environ), cwd=folder)

    def is_ready() -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", port)) == 0

    try:
        process.wait_until(is_ready)
        yield Directory(url)
    finally:
        process.stop()
