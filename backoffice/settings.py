"""Settings of the back office, from the environment and `.env`; `.env.example` explains each.

`DJANGO_DEBUG` means development: made-up secrets, plain HTTP, demo data. It is not Django's
`DEBUG`, which stays off everywhere: its error pages show records and settings, and need the inline
style that our content policy refuses. Errors are answered in words, their traceback is logged.
"""

import os
from datetime import time
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from audit.settings import Settings as ArchiveSettings
from backoffice.logs import LOGGING  # noqa: F401 - a setting
from backoffice.reviews.hours import WorkingHours
from dynamodb.settings import Settings as StoreSettings
from payments.events.receivers import Receivers
from payments.policy import Policy

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

DEVELOPMENT = env.bool("DJANGO_DEBUG", default=True)
DEBUG = False

_missing: list[str] = []
_unsafe: list[str] = []

_MADE_UP = "development-only-"
_SHORTEST_KEY = 32


def _required(name: str, development_value: str) -> str:
    """A value that production must be given; missing ones are reported together."""
    value: str = env.str(name, default="").strip()
    if value or DEVELOPMENT:
        return value or development_value
    _missing.append(name)
    return ""


def _secret(name: str, development_value: str) -> str:
    """A key that production must be given, long and not the one that everybody can read here."""
    key = _required(name, development_value)
    if key.startswith(_MADE_UP):
        _refuse(f"{name} (the one of development)")
    elif key and len(key) < _SHORTEST_KEY:
        _refuse(f"{name} (shorter than {_SHORTEST_KEY} characters)")
    return key


def _refuse(what: str) -> None:
    """Name what is unsafe in production."""
    if not DEVELOPMENT:
        _unsafe.append(what)


def _whole_number(name: str, default: int) -> int:
    text: str = env.str(name, default="") or str(default)
    if not text.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}.")
    return int(text)


def _port(name: str, default: int) -> int:
    number = _whole_number(name, default)
    if not 0 < number < 2**16:
        raise ImproperlyConfigured(f"{name} must be from 1 to 65535, not {number}.")
    return number


def _flag(name: str, *, default: bool) -> bool:
    text: str = env.str(name, default="").lower() or str(default).lower()
    if text not in {"true", "false"}:
        raise ImproperlyConfigured(f"{name} must be true or false, not {text!r}.")
    return text == "true"


def _networks(name: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(text.strip()) for text in env.list(name, default=[])]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must list addresses or networks: {error}.") from error


# Where it listens, who may call it so, and who may speak for a client.

PORT = _port("PORT", 8000)
SERVICE_PORT = _port("SERVICE_PORT", 8001)
_HOSTS = _required("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
ALLOWED_HOSTS = [host.strip() for host in _HOSTS.split(",") if host.strip()]
TRUSTED_PROXIES = _networks("DJANGO_TRUSTED_PROXIES")
SECRET_KEY = _secret("DJANGO_SECRET_KEY", _MADE_UP + "k" * 50)
_SEED_KEYS = _secret("MFA_SEED_KEY", _MADE_UP + "seeds")
MFA_SEED_KEYS = [key.strip() for key in _SEED_KEYS.split(",") if key.strip()]
MFA_REQUIRED = _flag("MFA_REQUIRED", default=not DEVELOPMENT)
DEMO_PASSWORD = env.str("DEMO_PASSWORD", default="demo-only-2026!")

# Figures for Prometheus: of the pages to whoever knows the token, of others at an own address.

METRICS_TOKEN = env.str("METRICS_TOKEN", default="").strip()
METRICS_ADDRESS = env.str("METRICS_ADDRESS", default="").strip()
if METRICS_TOKEN and len(METRICS_TOKEN) < _SHORTEST_KEY:
    _refuse(f"METRICS_TOKEN (shorter than {_SHORTEST_KEY} characters)")
if METRICS_ADDRESS and not METRICS_ADDRESS.rpartition(":")[2].isdecimal():
    raise ImproperlyConfigured("METRICS_ADDRESS must be like 127.0.0.1:9101.")

# The store. There is no SQL.

DATABASES: dict[str, dict[str, str]] = {}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DYNAMODB_LOCAL_PORT = _port("DYNAMODB_LOCAL_PORT", 8042)
DYNAMODB_LOCAL_DIR = BASE_DIR / env.str("DYNAMODB_LOCAL_DIR", default=".dynamodb/data")
_EMBEDDED_URL = f"http://127.0.0.1:{DYNAMODB_LOCAL_PORT}"
DYNAMODB_ENDPOINT_URL: str = env.str(
    "DYNAMODB_ENDPOINT_URL", default=_EMBEDDED_URL if DEVELOPMENT else ""
)
DYNAMODB_EMBEDDED = DYNAMODB_ENDPOINT_URL == _EMBEDDED_URL
EXPORT_DIR = BASE_DIR / env.str("EXPORT_DIR", default=".exports")

# How the store is used, the numbers that money moves by, and where the trail is kept.

try:
    DYNAMODB = StoreSettings(
        endpoint_url=DYNAMODB_ENDPOINT_URL,
        region=env.str("AWS_REGION", default="") or "us-east-1",
        table_prefix=env.str("DYNAMODB_TABLE_PREFIX", default="backoffice-"),
        cursor_signing_key=_secret("CURSOR_SIGNING_KEY", _MADE_UP + "cursors"),
        index_shards=_whole_number("DYNAMODB_INDEX_SHARDS", 1),
    )
    ARCHIVE = ArchiveSettings.from_environment(os.environ)
    POLICY = Policy.from_environment(os.environ)
    RECEIVERS = Receivers.from_environment(os.environ, is_development=DEVELOPMENT)
except ValueError as error:
    raise ImproperlyConfigured(str(error)) from error

# What the daily review looks at.


def _working_hours(text: str) -> WorkingHours:
    """Read weekdays' hours in UTC, such as ``06:00-20:00``."""
    try:
        begin, end = (time.fromisoformat(part) for part in text.split("-"))
    except ValueError:
        message = f"WORKING_HOURS must be like 06:00-20:00, not {text!r}."
        raise ImproperlyConfigured(message) from None
    return WorkingHours(begin=begin, end=end)


WORKING_HOURS = _working_hours(env.str("WORKING_HOURS", default="06:00-20:00"))
REVIEW_FIRST_PAIR_AMOUNT = _whole_number("REVIEW_FIRST_PAIR_AMOUNT", 100_000)
"""Minor units of a currency with two decimals, and as many whole units in any other."""

# What production does not start with, all of it said at once.

if "*" in ALLOWED_HOSTS:
    _refuse("DJANGO_ALLOWED_HOSTS (*)")
if not MFA_REQUIRED:
    _refuse("MFA_REQUIRED (false)")
if env.str("DEMO_PASSWORD", default=""):
    _refuse("DEMO_PASSWORD (demo data is for development)")
if _missing or _unsafe:
    _told = {"Not set": _missing, "Not safe": _unsafe}
    _sentences = [f"{what}: {', '.join(names)}." for what, names in _told.items() if names]
    raise ImproperlyConfigured(
        f"{' '.join(_sentences)} Production needs them; for development set DJANGO_DEBUG=true."
    )

# What it is made of.

INSTALLED_APPS = [
    "backoffice.apps.BackOfficeConfig",
    "backoffice.staff",
    "backoffice.apps.BackOfficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "backoffice.middleware.origin",
    "backoffice.watching.watched",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "backoffice.body_limit.body_limit",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "backoffice.middleware.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "backoffice.middleware.StoreTroubleMiddleware",
]
ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Who signs in, and for how long.

AUTH_USER_MODEL = "staff.Staff"
AUTHENTICATION_BACKENDS = ["backoffice.staff.backends.StaffBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
_VALIDATORS = "django.contrib.auth.password_validation."
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": _VALIDATORS + "MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "backoffice.staff.passwords.MaximumLengthValidator", "OPTIONS": {"max_length": 128}},
    {"NAME": _VALIDATORS + "CommonPasswordValidator"},
    {"NAME": "backoffice.staff.passwords.HistoryValidator"},
    {
        "NAME": _VALIDATORS + "UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "full_name", "email"]},
    },
]
UNUSED_STAFF_DAYS = _whole_number("UNUSED_STAFF_DAYS", 90)
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
SESSION_ENGINE = "backoffice.staff.sessions"
SESSION_COOKIE_AGE = 60 * 60 * _whole_number("SESSION_HOURS", 12)
SESSION_IDLE_SECONDS = 60 * _whole_number("SESSION_IDLE_MINUTES", 15)
"""A session ends after both, by its record. ASVS 7.3; PCI DSS 8.2.8 asks for 15 idle minutes."""
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
"""The cookie may outlive its session: it then tells who is asked to sign in again."""

# What a browser is told.

_COOKIE_PREFIX = "" if DEVELOPMENT else "__Host-"
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}sessionid"
DRAFT_COOKIE_NAME = f"{_COOKIE_PREFIX}draft"
SESSION_COOKIE_SECURE = not DEVELOPMENT
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}csrftoken"
CSRF_COOKIE_SECURE = not DEVELOPMENT
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "backoffice.views.errors.csrf_failure"
MESSAGE_STORAGE = "backoffice.cookies.MessageStorage"
MESSAGE_COOKIE_NAME = f"{_COOKIE_PREFIX}messages"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 0 if DEVELOPMENT else 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEVELOPMENT
SECURE_HSTS_PRELOAD = not DEVELOPMENT
SECURE_SSL_REDIRECT = not DEVELOPMENT
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
"""Load balancers and Prometheus ask these from inside, over plain HTTP."""
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
"""Reaches Django from a trusted proxy only: see ``backoffice.middleware.origin``."""
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}

# How much a request may send, in bytes; more is answered 413.

UPLOAD_ADDRESS = "/admin/bulk/"
MAX_BODY_BYTES = DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20
MAX_UPLOAD_BYTES = 20 * 2**20

# Static files. In development they are served as they lie, without being collected.

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
_STATIC_STORAGE = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if DEVELOPMENT
    else "whitenoise.storage.CompressedManifestStaticFilesStorage"
)
STORAGES = {"staticfiles": {"BACKEND": _STATIC_STORAGE}}
WHITENOISE_USE_FINDERS = DEVELOPMENT
WHITENOISE_AUTOREFRESH = DEVELOPMENT
WHITENOISE_MAX_AGE = 0 if DEVELOPMENT else 60
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Language, time, log.

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "backoffice" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
