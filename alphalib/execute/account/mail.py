"""The letter of a session, mailed once its account is settled."""

from __future__ import annotations

import time
from collections.abc import Callable

from alphalib.execute.account.letter import subject
from alphalib.execute.account.settlement import Settled
from alphalib.report.mail import Delivery, note, send
from alphalib.settings import Settings


def mail_letter(settled: Settled, settings: Settings, *, sleep: Callable[[float], None] = time.sleep) -> Delivery:
    """Mail the letter of a session that was settled; off without a mail server, and never an exception.

    Parameters
    ----------
    settled : Settled
        The session.
    settings : Settings
        Server, addresses and security.
    sleep : callable
        Waits between tries. [seconds]
    """
    return send(note(subject=subject(settled.account), text=settled.text), settings, sleep=sleep)
