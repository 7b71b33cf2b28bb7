"""Settings, read from the environment; docs/settings.md is their table.

Without DATABASE_URL and REDIS_URL the embedded servers of `manage.py up` are used: their sockets
and the secret key live in the data folder (CORTEXWEB_DATA).
"""

import logging
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import environ
from csp.constants import NONE, SELF
from kombu.entity import Queue

from cortexweb.accounts.group_map import GroupMap
from cortexweb.data_folder import DEFAULT_PATH, DataFolder, is_encryption_key
from cortexweb.environment import Environment
from executions import limits, queues

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = env = Environment()

DATA = DataFolder(Path(env.str("CORTEXWEB_DATA", default=str(DEFAULT_PATH))))

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or DATA.secret_key()
# What encrypts secrets in the database, the newest first (executions.encryption).
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[]) or DATA.encryption_keys()
for _key in ENCRYPTION_KEYS:
    if not is_encryption_key(_key):
        raise environ.ImproperlyConfigured(
            "ENCRYPTION_KEYS contains something that is no key. Make one with "
            "`python manage.py rotate_encryption --new-key`."
        )
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
try:
    ZoneInfo(TIME_ZONE)
except (ValueError, LookupError, OSError):
    raise environ.ImproperlyConfigured(
        f"TIME_ZONE is {TIME_ZONE!r}. It takes the name of a time zone, such as Europe/Berlin."
    ) from None

INSTALLED_APPS = [
    "cortexweb.administration.apps.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "channels",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "cortexweb",
    "flows",
    "executions",
]

MIDDLEWARE = [
    "cortexweb.middleware.request_log.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "cortexweb.middleware.compression.CompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "cortexweb.middleware.sessions.SessionsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "cortexweb.middleware.caching.CachingMiddleware",
    "cortexweb.middleware.bad_requests.BadRequestMiddleware",
    "cortexweb.middleware.time_zone.TimeZoneMiddleware",
]

ROOT_URLCONF = "cortexweb.urls"
ASGI_APPLICATION = "cortexweb.asgi.application"
# How people sign in besides with a password of the site (docs/sign-in.md): off until configured.
AUTHENTICATION_BACKENDS = ["cortexweb.accounts.backend.AccountBackend"]
OIDC_ISSUER = env.str("OIDC_ISSUER", default="")
OIDC_NAME = env.str("OIDC_NAME", default="Single sign-on")
OIDC_CREATE_USERS = env.bool("OIDC_CREATE_USERS", default=True)
OIDC_LINK_BY_EMAIL = env.bool("OIDC_LINK_BY_EMAIL", default=False)
OIDC_USERNAME_CLAIM = env.str("OIDC_USERNAME_CLAIM", default="preferred_username")
OIDC_GROUPS_CLAIM = env.str("OIDC_GROUPS_CLAIM", default="groups")
OIDC_GROUPS = GroupMap.parse(env.str("OIDC_GROUPS", default=""))
LDAP_URL = env.str("LDAP_URL", default="")
LDAP_START_TLS = env.bool("LDAP_START_TLS", default=True)
LDAP_CA_FILE = env.str("LDAP_CA_FILE", default="")
LDAP_BIND_DN = env.str("LDAP_BIND_DN", default="")
LDAP_BIND_PASSWORD = env.str("LDAP_BIND_PASSWORD", default="")
LDAP_USERS_BASE = env.str("LDAP_USERS_BASE", default="")
LDAP_USER_FILTER = env.str("LDAP_USER_FILTER", default="(uid=%(user)s)")
LDAP_CREATE_USERS = env.bool("LDAP_CREATE_USERS", default=True)
LDAP_GROUPS_BASE = env.str("LDAP_GROUPS_BASE", default="")
LDAP_GROUP_TYPE = env.str("LDAP_GROUP_TYPE", default="groupOfNames")
LDAP_GROUPS = GroupMap.parse(env.str("LDAP_GROUPS", default=""))
if LDAP_GROUP_TYPE not in ("groupOfNames", "posixGroup", "activeDirectory"):
    raise environ.ImproperlyConfigured(
        f"LDAP_GROUP_TYPE is {LDAP_GROUP_TYPE!r}. Write groupOfNames, posixGroup or "
        "activeDirectory."
    )
if LDAP_URL:
    AUTHENTICATION_BACKENDS.append("cortexweb.accounts.ldap.DirectoryBackend")
SECOND_FACTOR = env.str("SECOND_FACTOR", default="off")
if SECOND_FACTOR not in ("off", "optional", "required"):
    raise environ.ImproperlyConfigured(
        f"SECOND_FACTOR is {SECOND_FACTOR!r}. Write off, optional or required."
    )
# Days without a request after which a session ends.
SESSION_COOKIE_AGE = 86_400 * env.int("SESSION_DAYS", default=14)
PASSWORD_RESET_TIMEOUT = 3600

# What allauth does of all that. It counts no attempts: the site's own limits hold for its forms,
# too (cortexweb.accounts.login_attempts).
ACCOUNT_ADAPTER = "cortexweb.accounts.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_UNIQUE_EMAIL = False
ACCOUNT_RATE_LIMITS = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_FORMS = {"reauthenticate": "cortexweb.accounts.second_factor.ConfirmPasswordForm"}
SOCIALACCOUNT_ADAPTER = "cortexweb.accounts.adapters.SocialAdapter"
# By a link: the policy of the pages lets no form lead to another site.
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "SCOPE": env.list("OIDC_SCOPES", default=["openid", "profile", "email"]),
        "APPS": [
            {
                "provider_id": "oidc",
                "name": OIDC_NAME,
                "client_id": env.str("OIDC_CLIENT_ID", default=""),
                "secret": env.str("OIDC_CLIENT_SECRET", default=""),
                "settings": {"server_url": OIDC_ISSUER},
            }
        ]
        if OIDC_ISSUER
        else [],
    }
}
MFA_ADAPTER = "cortexweb.accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "CortexWeb"
# Clocks differ: the code before and the one after the current one count, too.
MFA_TOTP_TOLERANCE = 1
MFA_RATE_LIMITS = False
MFA_FORMS = {
    "authenticate": "cortexweb.accounts.second_factor.CodeForm",
    "reauthenticate": "cortexweb.accounts.second_factor.ConfirmCodeForm",
    "add_webauthn": "cortexweb.accounts.second_factor.AddPasskeyForm",
    "login_webauthn": "cortexweb.accounts.second_factor.PasskeySignInForm",
}
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "cortexweb.template_loader.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cortexweb.navigation.rail",
            ],
        },
    },
]

EMBEDDED = not env.str("DATABASE_URL", default="")
DATABASE_URL = DATA.database_url if EMBEDDED else env.str("DATABASE_URL")
DATABASE = env.db_url_config(DATABASE_URL)
if DATABASE.get("ENGINE") != "django.db.backends.postgresql":
    raise environ.ImproperlyConfigured(
        "DATABASE_URL is not the address of a PostgreSQL database. Write "
        "postgresql://user:password@host:5432/name."
    )
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=8)
DATABASES = {
    "default": {
        **DATABASE,
        # A pool in each process: a web process answers each request on another thread, and a
        # worker would otherwise connect anew for every task.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **DATABASE.get("OPTIONS", {}),
            "pool": DATABASE_POOL_SIZE > 0 and {"min_size": 1, "max_size": DATABASE_POOL_SIZE},
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

EMBEDDED_REDIS = not env.str("REDIS_URL", default="")
REDIS_URL = DATA.redis_url if EMBEDDED_REDIS else env.str("REDIS_URL")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "cortexweb"},
    }
}

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="") or REDIS_URL.replace(
    "unix://", "redis+socket://", 1
)
# Leases and recovery find what a dead worker held, within seconds; a copy of each message in Redis
# until it is acknowledged would cost two more round trips for each.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "ack_emulation": False,
    "queue_order_strategy": "executions.queues:FairRoundRobin",
    # No message has a priority: one list for each queue, where kombu would ask for four.
    "priority_steps": [0],
}
CELERY_TASK_IGNORE_RESULT = True
# Workers take from the queues by turns (`executions.queues`): nobody waits for all that another has
# started. However many executions wait for a worker, timers fire and
# what a dead worker held is taken over (upkeep), and what stops ten thousand executions does not
# wait behind them (jobs).
CELERY_TASK_QUEUES = [
    Queue(name, routing_key=name)  # type: ignore[no-untyped-call]
    for name in queues.ALL
]
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_ROUTES = {
    **{
        f"executions.tasks.{name}": {"queue": "upkeep"}
        for name in (
            "recover",
            "reclaim",
            "start_chained",
            "transfer_debug_leases",
            "delete_old",
            "aggregate_statistics",
            "start_schedules",
            "evaluate_alerts",
            "send_due_deliveries",
        )
    },
    "executions.tasks.deliver": {"queue": "deliveries"},
    "executions.tasks.run_bulk_job": {"queue": "jobs"},
    "cortexweb.tasks.clear_sessions": {"queue": "upkeep"},
    "cortexweb.tasks.send_password_reset": {"queue": "deliveries"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = TIME_ZONE
CELERY_DB_REUSE_MAX = 2**62  # cortexweb.celery closes what is broken
CELERY_BEAT_SCHEDULE = {
    "recover": {
        "task": "executions.tasks.recover",
        "schedule": 1.0,
        "options": {"expires": 5.0},
    },
    "transfer_debug_leases": {
        "task": "executions.tasks.transfer_debug_leases",
        "schedule": 2.0,
        "options": {"expires": 5.0},
    },
    "start_schedules": {
        "task": "executions.tasks.start_schedules",
        "schedule": 1.0,
        "options": {"expires": 5.0},
    },
    "aggregate_statistics": {
        "task": "executions.tasks.aggregate_statistics",
        "schedule": 1.0,
        "options": {"expires": 5.0},
    },
    "evaluate_alerts": {
        "task": "executions.tasks.evaluate_alerts",
        "schedule": limits.ALERT_EVALUATED_EVERY,
        "options": {"expires": limits.ALERT_EVALUATED_EVERY},
    },
    "send_due_deliveries": {
        "task": "executions.tasks.send_due_deliveries",
        "schedule": 2.0,
        "options": {"expires": 5.0},
    },
    "delete_old": {
        "task": "executions.tasks.delete_old",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "clear-sessions": {
        "task": "cortexweb.tasks.clear_sessions",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
}

# How long, and how many of, the executions that have ended are kept; 0 is without a limit.
RETENTION_DAYS = env.int("RETENTION_DAYS", default=30)
RETENTION_COUNT = env.int("RETENTION_COUNT", default=0)
# Whether people may make links to an execution for others without an account.
SHARE_LINKS = env.bool("SHARE_LINKS", default=False)
# How long entries of the audit trail are kept; 0 is without a limit.
AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", default=365)

# What blocks with an effect may reach.
FILES_ROOT = Path(env.str("FILES_ROOT", default=str(DATA.path / "files")))
HTTP_PRIVATE_ADDRESSES = env.list(
    "HTTP_PRIVATE_ADDRESSES", default=["127.0.0.0/8", "::1/128"] if EMBEDDED else []
)
#: File of the host keys that Execute Ssh Command trusts, as OpenSSH writes it.
SSH_KNOWN_HOSTS = env.str("SSH_KNOWN_HOSTS", default="")
# The drivers of SQLAlchemy that flows may use beside PostgreSQL and SQLite: ones in Python, whose
# connections can be guarded.
SQL_DRIVERS = env.list(
    "SQL_DRIVERS",
    default=[
        "mysql+pymysql",
        "mariadb+pymysql",
        "mssql+pytds",
        "oracle+oracledb",
        "postgresql+pg8000",
    ],
)

# Where links in mails and webhooks lead to, and how mail is sent: smtp://user:password@host:587.
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000")
EMAIL_URL = env.str("EMAIL_URL", default="")
vars().update(env.email_url_config(EMAIL_URL or "dummymail://"))
EMAIL_TIMEOUT = limits.DELIVERY_SECONDS
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="cortexweb@localhost")

# Attempts to sign in are counted there; the second one stands in while Redis does not answer.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cortexweb",
        "OPTIONS": {"socket_timeout": 2},
    },
    "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
PASSWORD_HASHERS = [
    "cortexweb.accounts.hashing.BoundedHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Everything to standard error, where whoever runs the process collects it: as lines for people, or
# as JSON with a line for each request, each turn of an execution and each command. As lines, what
# was refused or not found stands in the web server's own log.
LOG_FORMAT = env.str("LOG_FORMAT", default="text")
if LOG_FORMAT not in ("text", "json"):
    raise environ.ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}. Write text or json.")
# Where traces are sent by OTLP, with the extra `otel`; without it there are none. OpenTelemetry
# reads this variable, and others, by itself.
TRACES_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
logging.captureWarnings(LOG_FORMAT == "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "cortexweb.json_log.LogFormatter"}
        if LOG_FORMAT == "json"
        else {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "filters": {
        "without_secret_paths": {"()": "cortexweb.log_filters.WithoutSecretPaths"},
        "without_traceback": {"()": "cortexweb.log_filters.WithoutTraceback"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["without_secret_paths"],
        },
        "refused": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["without_secret_paths", "without_traceback"],
        },
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING"},
        "django.request": {"level": "ERROR"},
        # A wrong Host, and other requests that no browser makes.
        "django.security": {"handlers": ["refused"], "propagate": False},
        "executions.retention.deletion": {"level": "INFO"},
        **{
            name: {"level": "INFO" if LOG_FORMAT == "json" else "WARNING"}
            for name in ("cortexweb.requests", "executions.turns", "executions.audit")
        },
    },
}

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
# What `collectstatic` writes: scripts and style sheets in one file a page, compressed, kept by
# browsers for good. Until it has run, files are served from where they are.
STATIC_ROOT = env.str("STATIC_ROOT", default="") or str(DATA.path / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "cortexweb.static.Storage"},
}
WHITENOISE_USE_FINDERS = True

# TLS ends at a proxy in production; HTTPS_ONLY is off only for the embedded server on loopback.
HTTPS_ONLY = env.bool("HTTPS_ONLY", default=not EMBEDDED)
SECURE_SSL_REDIRECT = HTTPS_ONLY
# Load balancers and Prometheus ask without TLS.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_ONLY
SECURE_HSTS_PRELOAD = HTTPS_ONLY
# Whose X-Forwarded-For and X-Forwarded-Proto are believed (cortexweb.asgi): nobody's unless named.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
# Who may read /metrics: who gives the token, and who asks from one of these addresses. By default
# that is this machine for the embedded server, and nobody elsewhere.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_ADDRESSES = env.list(
    "METRICS_ADDRESSES", default=["127.0.0.0/8", "::1/128"] if EMBEDDED else []
)
for _name, _networks in (
    ("TRUSTED_PROXIES", TRUSTED_PROXIES),
    ("METRICS_ADDRESSES", METRICS_ADDRESSES),
    ("HTTP_PRIVATE_ADDRESSES", HTTP_PRIVATE_ADDRESSES),
):
    for _network in _networks:
        try:
            ip_network(_network)
        except ValueError:
            raise environ.ImproperlyConfigured(
                f"{_name} contains {_network!r}. Write addresses or networks, such as 10.0.0.0/8."
            ) from None
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS_ONLY and not TRUSTED_PROXIES else None
)

# How large a request may be, and how long it may take to arrive.
MAX_REQUEST_BYTES = env.int("MAX_REQUEST_BYTES", default=10_000_000)
REQUEST_SECONDS = env.float("REQUEST_SECONDS", default=60)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_REQUEST_BYTES
X_FRAME_OPTIONS = "DENY"

# The API: requests a minute of one person or token (0: no limit); how long a start may wait for the
# end of its execution, and how many starts may wait in one process.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=60_000)
API_WAIT_SECONDS = env.float("API_WAIT_SECONDS", default=60)
API_WAITING = env.int("API_WAITING", default=200)
# Served at /mcp where the extra `mcp` is installed (docs/mcp.md).
MCP = env.bool("MCP", default=True)

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
