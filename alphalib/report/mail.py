"""Mailing the weekly page and the letter of a session. What goes wrong is said and never fails a run."""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from alphalib.settings import Settings

TRIES = 3
TIMEOUT = 30.0  # [seconds]


@dataclass(frozen=True)
class Delivery:
    """What became of a mail: sent, off because no server is set, or failed; `detail` says why, without secrets."""

    status: Literal["sent", "off", "failed"]
    detail: str


@dataclass(frozen=True)
class Picture:
    """A picture inside a letter: the HTML names it `cid:{cid}`."""

    cid: str
    description: str
    png: bytes


def letter(*, text: str, html: str, pictures: list[Picture]) -> EmailMessage:
    """A letter without addresses: HTML with its pictures inside, and the same as plain text.

    Parameters
    ----------
    text, html : str
        The same content twice; `html` refers to pictures as `cid:…`.
    pictures : list of Picture
        Inline attachments.
    """
    message = EmailMessage(policy=policy.SMTP)
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    body: Any = message.get_payload(1)
    for picture in pictures:
        body.add_related(
            picture.png,
            "image",
            "png",
            cid=f"<{picture.cid}>",
            filename=f"{picture.cid.split('@')[0]}.png",
            disposition="inline",
        )
    return message


def note(*, subject: str, text: str) -> EmailMessage:
    """A letter of plain text, without addresses; lines stay as long as they are."""
    message = EmailMessage(policy=policy.SMTP)
    message.set_content(text)
    message["Subject"] = subject
    return message


def send_page(page: Path, *, subject: str, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> Delivery:
    """Mail a page: the letter beside it (`report.eml` for `report.html`) with the page attached.

    Parameters
    ----------
    page : Path
        The HTML file. Without a letter beside it a plain sentence goes with it.
    subject : str
        Subject line.
    settings : Settings
        Server, addresses and security; nothing is sent without `smtp_host` and `mail_to`.
    sleep : callable
        Waits between tries. [seconds]

    Returns
    -------
    Delivery
        Whatever goes wrong is said in it and not raised.
    """
    if _off(settings):
        return _off_delivery()
    try:
        prepared = page.with_suffix(".eml")
        message = (
            message_from_bytes(prepared.read_bytes(), policy=policy.SMTP)
            if prepared.exists()
            else letter(text="The report is attached.", html="<p>The report is attached.</p>", pictures=[])
        )
        message.add_attachment(page.read_bytes(), maintype="text", subtype="html", filename=page.name)
        message["Subject"] = subject
    except (OSError, ValueError) as error:
        return Delivery("failed", _said(error, settings))
    return send(message, settings, sleep=sleep)


def send(
    message: EmailMessage,
    settings: Settings,
    *,
    sleep: Callable[[float], None] = time.sleep,
    context: ssl.SSLContext | None = None,
) -> Delivery:
    """Send a message to the addresses in the settings: three tries with growing waits, and never an exception.

    Parameters
    ----------
    message : EmailMessage
        With a subject; sender, recipients, date and id are added here. The id stays the same over the tries, so that a
        mail that arrived twice shows once.
    settings : Settings
        Server, addresses and security.
    sleep : callable
        Waits between tries. [seconds]
    context : SSLContext, optional
        Which certificates are trusted; those of the system without it.
    """
    if _off(settings):
        return _off_delivery()
    addresses = [address.strip() for address in str(settings.mail_to).split(",") if address.strip()]
    attempts = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=2, max=30),
        retry=retry_if_exception(_may_pass),
        sleep=sleep,
        reraise=True,
    )
    try:
        message = deepcopy(message)
        message["From"] = settings.mail_from or settings.smtp_user or addresses[0]
        message["To"] = ", ".join(addresses)
        message["Date"] = formatdate(localtime=False)
        message["Message-ID"] = make_msgid(domain="alphalib.invalid")
        refused = attempts(lambda: _submit(message, settings, context))
    except Exception as error:  # a mail must not cost the run, whatever a server or a header may do
        return Delivery("failed", _said(error, settings))
    if refused:
        return Delivery(
            "sent", f"to {len(addresses) - len(refused)} of {len(addresses)} addresses; the others were refused"
        )
    return Delivery("sent", f"to {len(addresses)} address{'es' if len(addresses) > 1 else ''}")


def _submit(message: EmailMessage, settings: Settings, context: ssl.SSLContext | None) -> dict[str, tuple[int, bytes]]:
    host, port = str(settings.smtp_host), settings.smtp_port
    trusted = context or ssl.create_default_context()
    if settings.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=trusted)
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT)
    with server:
        if settings.smtp_security == "starttls":
            server.starttls(context=trusted)  # raises when the server cannot: a password never goes in the clear
        if settings.smtp_user and settings.smtp_password:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        return server.send_message(message)


def _may_pass(error: BaseException) -> bool:
    """Whether trying again could help: not after a final answer (5xx), a wrong certificate, or a fault of our own."""
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code < 500
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return any(code < 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError):
        return False
    return isinstance(error, OSError)


def _off(settings: Settings) -> bool:
    return not (settings.smtp_host and settings.mail_to)


def _off_delivery() -> Delivery:
    return Delivery("off", "set ALPHALIB_SMTP_HOST and ALPHALIB_MAIL_TO to have it mailed")


def _said(error: Exception, settings: Settings) -> str:
    """An error as one line without the user or the password, which servers like to repeat."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"the server did not accept the user and password ({error.smtp_code})"
    text = " ".join(f"{type(error).__name__}: {error}".split())
    secrets = [value.get_secret_value() for value in settings.__dict__.values() if isinstance(value, SecretStr)]
    for secret in (*secrets, settings.smtp_user):
        text = text.replace(secret, "***") if secret else text
    return text[:300]
