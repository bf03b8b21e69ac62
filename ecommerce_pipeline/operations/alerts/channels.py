"""How a notice reaches somebody: e-mail, a Slack-compatible webhook, or any webhook that takes JSON.

    mailto:data@example.com               by the mail server of the settings
    slack+https://hooks.slack.com/…       Slack, Mattermost, Rocket.Chat: {"text": …}
    https://pager.example.com/…           the whole notice as JSON

A receiver has `SECONDS` to answer. An address may hold a secret, so elsewhere it goes by a name that does not.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import urlsplit

from ecommerce_pipeline.operations import outbox
from ecommerce_pipeline.operations.alerts.notice import Notice
from ecommerce_pipeline.operations.outbox import Refused, Unreachable
from ecommerce_pipeline.settings import Settings

SECONDS = 10.0
FORMS = "mailto:…, slack+https://…, https://…"


class AlertsError(Exception):
    """The addresses of the settings cannot be used; the message says which kind is wrong and what to do."""


@dataclass(frozen=True)
class Channel:
    """One address. `name` tells it from others without showing what is secret in it."""

    name: str
    address: str = field(repr=False)

    def send(self, settings: Settings, notice: Notice, number: int) -> None:
        """Hand it over, or raise Unreachable or Refused. `number` is the same when it is sent again, so that a
        receiver can tell.
        """
        if self.address.startswith("mailto:"):
            _mail(settings, self.address.removeprefix("mailto:"), notice, number)
        elif self.address.startswith("slack+"):
            _post(self.address.removeprefix("slack+"), json.dumps({"text": notice.text}), number)
        else:
            _post(self.address, notice.to_json(), number)


def everybody(settings: Settings) -> list[Channel]:
    """All addresses of the settings; raises AlertsError."""
    routes = (channel for routed in _routes(settings).values() for channel in routed)
    return _unique([*_channels(settings.alerts_to.get_secret_value(), "ALERTS_TO"), *routes])


def of_owners(settings: Settings, owners: Iterable[str]) -> list[Channel]:
    """Those who are told of everything, and those of these owners; raises AlertsError."""
    routes = _routes(settings)
    routed = (channel for owner in owners for channel in routes.get(owner, ()))
    return _unique([*_channels(settings.alerts_to.get_secret_value(), "ALERTS_TO"), *routed])


def _unique(channels: Iterable[Channel]) -> list[Channel]:
    return list({channel.name: channel for channel in channels}.values())


def _routes(settings: Settings) -> dict[str, list[Channel]]:
    """`owner=address address; owner=address`."""
    routes: dict[str, list[Channel]] = {}
    for part in filter(str.strip, settings.alerts_routes.get_secret_value().split(";")):
        owner, equals, addresses = part.partition("=")
        if not equals:
            raise AlertsError(
                "SHOPSPHERE_ALERTS_ROUTES has a part without `=`. Next: write it as "
                "`finance=mailto:finance@example.com; marketing=slack+https://…` in .env"
            )
        routes[owner.strip().removeprefix("team:")] = _channels(addresses, "ALERTS_ROUTES")
    return routes


def _channels(text: str, setting: str) -> list[Channel]:
    return [_channel(address, setting) for address in text.replace(",", " ").split()]


def _channel(address: str, setting: str) -> Channel:
    if address.startswith("mailto:") and "@" in address:
        return Channel(address, address)
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https", "slack+http", "slack+https"} or not parts.hostname:
        raise AlertsError(
            f"SHOPSPHERE_{setting} has an address of an unknown kind (it is not shown: it may hold a secret). "
            f"Next: write each as one of {FORMS} in .env"
        )
    kind = "slack" if parts.scheme.startswith("slack") else "webhook"
    return Channel(f"{kind}:{parts.hostname}#{hashlib.sha256(address.encode()).hexdigest()[:6]}", address)


def _mail(settings: Settings, recipient: str, notice: Notice, number: int) -> None:
    if not settings.smtp_host:
        raise Unreachable("no mail server is named. Next: set SHOPSPHERE_SMTP_HOST in .env")
    message = EmailMessage()
    message["Subject"] = f"[ShopSphere] {notice.subject}"
    message["From"], message["To"], message["Date"] = settings.smtp_from, recipient, formatdate()
    message["Message-ID"] = f"<alert.{number}.{hashlib.sha256(notice.to_json().encode()).hexdigest()[:16]}@shopsphere>"
    message.set_content(notice.text)
    try:
        _hand_over(settings, message)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
        raise Refused(f"the mail server {settings.smtp_host} refused the message: {_one_line(error)}") from None
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise Unreachable(f"the mail server {settings.smtp_host}:{settings.smtp_port}: {_one_line(error)}") from None


def _hand_over(settings: Settings, message: EmailMessage) -> None:
    host, port = settings.smtp_host, settings.smtp_port
    trusted = ssl.create_default_context()
    if settings.smtp_encryption == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=trusted)
    else:
        server = smtplib.SMTP(host, port, timeout=SECONDS)
    with server:
        if settings.smtp_encryption == "starttls":
            server.starttls(context=trusted)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        server.send_message(message)


def _post(address: str, body: str, number: int) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(number), "User-Agent": "shopsphere"}
    request = urllib.request.Request(address, body.encode(), headers, method="POST")  # noqa: S310 (schemes were checked)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310 (as above)
            return
    except urllib.error.HTTPError as error:
        raise outbox.answered(str(urlsplit(address).hostname), error.code) from None
    except http.client.InvalidURL:  # its text shows the part of the address, and that may be a password
        advice = "Next: write it as https://HOST:PORT/PATH in .env, without a user"
        raise Unreachable(f"{urlsplit(address).hostname}: the address cannot be called. {advice}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:  # HTTPException: what answers is not HTTP
        raise Unreachable(f"{urlsplit(address).hostname}: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
