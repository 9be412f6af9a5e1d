"""Mail against a real SMTP server on the loopback interface."""

import email
import email.policy
import re
import shutil
import socket
import ssl
import subprocess
from contextlib import contextmanager

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from alphalib.report import read_inputs
from alphalib.report.mail import Delivery, Picture, letter, send, send_page
from alphalib.report.weekly import weekly_letter
from alphalib.settings import Settings
from tests.report.artefacts import ASOF


class Inbox:
    """Keeps what arrives; answers the first messages as told."""

    def __init__(self, answers=()):
        self.answers, self.tries, self.messages, self.recipients = list(answers), 0, [], []

    async def handle_DATA(self, server, session, envelope):
        self.tries += 1
        if self.answers:
            return self.answers.pop(0)
        self.recipients = envelope.rcpt_tos
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 kept"


@contextmanager
def server(inbox, **options):
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def settings(port, **more):
    values = {
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_security": "none",
        "mail_from": "desk@example.org",
        "mail_to": "ann@example.org, ben@example.org",
    }
    return Settings(_env_file=None, **values | more)


@pytest.fixture
def note():
    return letter(
        text="plain", html='<p>rich <img src="cid:one@alphalib"></p>', pictures=[Picture("one@alphalib", "", b"x")]
    )


@pytest.fixture
def page(tmp_path, store):
    path = tmp_path / "report.html"
    path.write_text("<!doctype html><title>page</title>")
    path.with_suffix(".eml").write_bytes(weekly_letter(read_inputs(store, ASOF)).as_bytes())
    return path


def test_the_letter_arrives_with_its_pictures_and_the_page(page):
    inbox = Inbox()
    with server(inbox) as port:
        delivery = send_page(page, subject="alphalib, week to 2024-03-08", settings=settings(port))
    assert delivery == Delivery("sent", "to 2 addresses")
    assert inbox.recipients == ["ann@example.org", "ben@example.org"]
    [message] = inbox.messages
    assert message["Subject"] == "alphalib, week to 2024-03-08"
    assert message["From"] == "desk@example.org"
    assert message["Date"]
    html = message.get_body(("html",)).get_content()
    named = set(re.findall(r'"cid:([^"]+)"', html))
    inside = {part["Content-ID"].strip("<>"): part for part in message.walk() if part["Content-ID"]}
    assert named == set(inside) == {"growth@alphalib", "ic@alphalib"}
    for part in inside.values():
        assert part.get_content_disposition() == "inline"
        assert part.get_content().startswith(b"\x89PNG")
    [attached] = list(message.iter_attachments())
    assert attached.get_filename() == "report.html"
    assert attached.get_content_type() == "text/html"
    content = attached.get_content()
    assert (content.encode() if isinstance(content, str) else content) == page.read_bytes()
    assert len(message.as_bytes()) < 1_000_000
    assert "Simulated market." in html
    assert "Simulated market." in message.get_body(("plain",)).get_content()


def test_a_page_without_a_letter_is_sent_all_the_same(tmp_path):
    page, inbox = tmp_path / "report.html", Inbox()
    page.write_text("<p>ünïcode</p>")
    with server(inbox) as port:
        assert send_page(page, subject="s", settings=settings(port)).status == "sent"
    assert len(list(inbox.messages[0].iter_attachments())) == 1


def test_a_server_that_fails_twice_gets_a_third_try(note):
    inbox, waits = Inbox(["451 busy", "421 later"]), []
    with server(inbox) as port:
        delivery = send(note, settings(port), sleep=waits.append)
    assert delivery.status == "sent"
    assert inbox.tries == 3
    assert len(waits) == 2
    assert waits[1] > waits[0] > 0


def test_a_server_that_always_fails_costs_a_sentence_and_no_exception(note):
    inbox, waits = Inbox(["451 busy"] * 9), []
    with server(inbox) as port:
        delivery = send(note, settings(port), sleep=waits.append)
    assert delivery.status == "failed"
    assert "451" in delivery.detail
    assert inbox.tries == 3


def test_a_final_answer_is_not_asked_for_again(note):
    inbox = Inbox(["554 never"] * 9)
    with server(inbox) as port:
        assert send(note, settings(port), sleep=[].append).status == "failed"
    assert inbox.tries == 1


def test_no_server_there_is_a_failed_mail(note):
    waits = []
    delivery = send(note, settings(free_port()), sleep=waits.append)
    assert delivery.status == "failed"
    assert "refused" in delivery.detail
    assert len(waits) == 2


@pytest.mark.parametrize("lacking", ["smtp_host", "mail_to"])
def test_without_settings_mail_is_off(note, tmp_path, lacking):
    off = settings(1, **{lacking: None})
    assert send(note, off).status == "off"
    assert send_page(tmp_path / "no page", subject="s", settings=off).status == "off"


def test_a_page_that_is_not_there_is_a_failed_mail(tmp_path):
    delivery = send_page(tmp_path / "report.html", subject="s", settings=settings(1))
    assert delivery.status == "failed"
    assert "No such file" in delivery.detail


def test_a_subject_with_a_line_break_is_a_failed_mail(page):
    delivery = send_page(page, subject="x\nBcc: all@example.org", settings=settings(1))
    assert delivery.status == "failed"


def test_the_message_given_is_not_changed(note):
    with server(Inbox()) as port:
        before = note.as_bytes()
        assert send(note, settings(port)).status == send(note, settings(port)).status == "sent"
    assert note.as_bytes() == before
    assert note["To"] is None


def test_a_password_is_never_sent_in_the_clear_when_starttls_was_asked_for(note):
    inbox = Inbox()
    with server(inbox) as port:
        secret = settings(port, smtp_security="starttls", smtp_user="desk", smtp_password="hunter2")
        delivery = send(note, secret, sleep=[].append)
    assert delivery.status == "failed"
    assert "STARTTLS" in delivery.detail
    assert not inbox.messages


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_wrong_password_is_said_without_saying_it(note):
    inbox = Inbox()

    def refuse(server, session, envelope, mechanism, data):
        return AuthResult(
            success=False, handled=False, message=f"535 no {data.password.decode()} for {data.login.decode()}"
        )

    options = {"authenticator": refuse, "auth_required": True, "auth_require_tls": False}
    with server(inbox, **options) as port:
        delivery = send(note, settings(port, smtp_user="annabel", smtp_password="hunter2"), sleep=[].append)
    assert delivery.status == "failed"
    assert "did not accept the user and password (535)" in delivery.detail
    assert "hunter2" not in repr(delivery)
    assert "annabel" not in repr(delivery)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_encrypted_server_gets_the_letter(note, tmp_path, security):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate to test encryption with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    presented = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    presented.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    inbox = Inbox()
    options = {"tls_context": presented} if security == "starttls" else {"ssl_context": presented}
    with server(inbox, **options) as port:
        strict = send(note, settings(port, smtp_security=security), sleep=[].append)
        trusted = send(note, settings(port, smtp_security=security), context=trusting)
    assert strict.status == "failed", "a certificate that nobody vouches for must not be trusted"
    assert trusted.status == "sent"
    assert len(inbox.messages) == 1
