"""The product's settings, on PostgreSQL and Redis of the test session's own.

The sockets' addresses follow from the folder, so the servers may start later, when the first
test needs them (tests/conftest.py).
"""

import atexit
import os
import shutil
import tempfile

from tests.temporary import reachable_temporary_folder

# What a developer's shell holds must not lead the tests to real data.
for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "DEBUG", "ALLOWED_HOSTS"):
    os.environ.pop(name, None)
os.environ["CORTEXWEB_DATA"] = tempfile.mkdtemp(
    prefix="cortexweb-", dir=reachable_temporary_folder()
)
atexit.register(shutil.rmtree, os.environ["CORTEXWEB_DATA"], ignore_errors=True)
# Empty: pages read scripts and styles as they are. tests/integration/test_static.py builds them.
os.mkdir(os.path.join(os.environ["CORTEXWEB_DATA"], "static"))
os.environ["SECRET_KEY"] = "tests-" * 10
os.environ["ENCRYPTION_KEYS"] = "dGVzdHMtdGVzdHMtdGVzdHMtdGVzdHMtdGVzdHMtMDE="

# Processes that tests start read the same environment through the product's own settings.
os.environ["DJANGO_SETTINGS_MODULE"] = "cortexweb.settings"

from cortexweb.settings import *  # noqa: E402, F403

# A password costs what it costs to guess; here each test makes its users anew. The product's own
# processes can read what this writes.
PASSWORD_HASHERS = ["tests.hashing.QuickHasher"]

# Each of Django's test clients has middleware of its own, and WhiteNoise would list all scripts and
# styles for each: a file is looked for when it is asked for. The product's processes list them.
WHITENOISE_AUTOREFRESH = True
