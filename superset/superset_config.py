"""Superset's configuration, the same for both profiles.

What differs from machine to machine, secrets included, comes from the file (0600) that the environment names; the
pipeline writes it at every start (`ecommerce_pipeline/dashboards/server.py`).
"""

import json
import os
from pathlib import Path

import activity
import lake_connections
import signed_in_only
import trino_connection
from superset.config import THEME_DEFAULT  # whose last lines read this file

facts = json.loads(Path(os.environ["SHOPSPHERE_SUPERSET_SERVER"]).read_text("utf-8"))

APP_NAME = "ShopSphere"
SECRET_KEY = facts["secret_key"]
SQLALCHEMY_DATABASE_URI = facts["metadata_uri"]
SQLALCHEMY_ENGINE_OPTIONS = {"pool_size": 5, "max_overflow": 15, "pool_pre_ping": True}

# Nobody reads anything without signing in, nobody makes an account of their own.
PUBLIC_ROLE_LIKE = None
AUTH_USER_REGISTRATION = False
CUSTOM_SECURITY_MANAGER = signed_in_only.SignedInOnly
FAB_ADD_SECURITY_API = True
WTF_CSRF_ENABLED = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
RATELIMIT_STORAGE_URI = "memory://"

# Pages fetch from here only: no fonts, maps, or pixels from elsewhere. Plain http, because it listens on loopback.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'", "'unsafe-eval'"],  # Handlebars compiles the cards' templates
        "frame-ancestors": ["'self'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
CONTENT_SECURITY_POLICY_WARNING = False

FEATURE_FLAGS = {
    "ENABLE_TEMPLATE_PROCESSING": False,  # Jinja in a query is a way around row-level security
    "DASHBOARD_RBAC": False,  # who may read the datasets may open the dashboard
    "ALERT_REPORTS": bool(facts["mail"]),
    "PLAYWRIGHT_REPORTS_AND_THUMBNAILS": bool(facts["mail"]),
    "DRILL_TO_DETAIL": True,
    "DRILL_BY": True,
    "ALLOW_ADHOC_SUBQUERY": False,
    "CACHE_IMPERSONATION": True,
}
# Cards are written in HTML: these attributes beside what the sanitizer already lets through.
HTML_SANITIZATION = True
HTML_SANITIZATION_SCHEMA_EXTENSIONS = {"attributes": {"*": ["style", "className"]}, "tagNames": ["style"]}


def cache(name: str, seconds: int) -> dict[str, object]:
    """A cache of its own: in Valkey where there is one, else in a folder."""
    kept = {"CACHE_DEFAULT_TIMEOUT": seconds, "CACHE_KEY_PREFIX": f"{name}_"}
    if facts["valkey"]:
        return {**kept, "CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": facts["valkey"]["answers"]}
    return {
        **kept,
        "CACHE_TYPE": "FileSystemCache",
        "CACHE_DIR": str(Path(facts["cache"]) / name),
        "CACHE_THRESHOLD": 5000,
    }


DAY = 86400
CACHE_CONFIG = cache("pages", 300)
# The embedded lake answers in milliseconds, and a remembered answer could be of another publication than its neighbour.
DATA_CACHE_CONFIG = cache("data", 600) if facts["trino"] else {"CACHE_TYPE": "NullCache"}
STORE_CACHE_KEYS_IN_METADATA_DB = bool(facts["trino"])  # so that a run can have them forgotten
FILTER_STATE_CACHE_CONFIG = cache("filters", 90 * DAY)
EXPLORE_FORM_DATA_CACHE_CONFIG = cache("explore", 7 * DAY)

EVENT_LOGGER = activity.Activity()
ROW_LIMIT = 10_000
SQL_MAX_ROW = 100_000
SUPERSET_WEBSERVER_TIMEOUT = 110
SQLLAB_TIMEOUT = 60
TALISMAN_DEV_CONFIG = TALISMAN_CONFIG
BUG_REPORT_URL = None
DOCUMENTATION_URL = None

BLUE = "#1f6fb2"
# Eight hues that stay apart for colour-blind readers (after Okabe and Ito), darker where white text stands on them.
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "shopsphere",
        "description": "Told apart by colour-blind readers",
        "label": "ShopSphere",
        "isDefault": True,
        "colors": [BLUE, "#d9730d", "#0b8f6a", "#a64d8f", "#7a6a00", "#4aa8d8", "#b3261e", "#6b7280"],
    }
]

# Superset's own blue is too faint for small text on white (WCAG AA wants 4.5:1; it has 3.6).
THEME_DEFAULT = {**THEME_DEFAULT, "token": {**THEME_DEFAULT["token"], "colorPrimary": BLUE, "colorLink": BLUE}}

if facts["mail"]:
    import mail  # a browser's library, and slow to import

    globals().update(mail.settings(facts["mail"], facts["valkey"]["tasks"]))

if facts["trino"]:
    DB_CONNECTION_MUTATOR = trino_connection.mutator(facts["trino"])
    FLASK_APP_MUTATOR = trino_connection.ask_for_no_oauth
else:
    DB_CONNECTION_MUTATOR = lake_connections.with_latest_file
    lake_connections.install()
