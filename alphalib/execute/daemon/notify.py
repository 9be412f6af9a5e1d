"""Messages to a person: told and forgotten, never waited for."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from alphalib.settings import Settings

MOST_WAITING = 50
"""Messages that may wait; the oldest is dropped for one more."""

log = logging.getLogger(__name__)


class Notifier(Protocol):
    """Where messages go."""

    def tell(self, text: str) -> None:
        """Send a message some time soon; returns at once and never raises."""
        ...

    async def close(self) -> None:
        """Give what is waiting a last, short chance."""
        ...


class Silent:
    """Nobody is told."""

    def tell(self, text: str) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""


class Telegram:
    """Messages to a Telegram chat.

    Parameters
    ----------
    token, chat : str
        Of the bot, and whom it writes to.
    url : str
        Of the service.
    timeout : float
        For each message, and for all that wait at the end. [seconds]
    """

    def __init__(self, token: str, chat: str, *, url: str = "https://api.telegram.org", timeout: float = 10.0) -> None:
        self._address = f"{url.rstrip('/')}/bot{token}/sendMessage"
        self._chat = chat
        self._timeout = timeout
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        self._worker: asyncio.Task[None] | None = None

    def tell(self, text: str) -> None:
        """Send a message some time soon; returns at once and never raises."""
        if self._waiting.full():
            self._waiting.get_nowait()
            self._waiting.task_done()
        self._waiting.put_nowait(text)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Give what is waiting a last, short chance."""
        if self._worker is None:
            return
        try:
            await asyncio.wait_for(self._waiting.join(), timeout=self._timeout)
        except TimeoutError:
            log.warning("telegram: %d messages were not delivered", self._waiting.qsize())
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)

    async def _work(self) -> None:
        import httpx

        logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO lines have the address, and the token in it
        async with httpx.AsyncClient(timeout=self._timeout) as client:
            while True:
                text = await self._waiting.get()
                try:
                    await self._send(client, text)
                except (httpx.HTTPError, TimeoutError) as error:
                    # Words of ours, for the library's name the address, and the token is in it.
                    log.warning("telegram: not delivered (%s)", type(error).__name__)
                finally:
                    self._waiting.task_done()

    async def _send(self, client: Any, text: str) -> None:
        async with asyncio.timeout(self._timeout):  # httpx's own is for each read
            answer = await client.post(self._address, json={"chat_id": self._chat, "text": text})
        if answer.status_code != 200:
            log.warning("telegram: answered %d", answer.status_code)


def notifier(settings: Settings) -> Notifier:
    """Telegram where the settings have its token and chat; else nobody."""
    if settings.telegram_token is None or settings.telegram_chat is None:
        return Silent()
    return Telegram(settings.telegram_token.get_secret_value(), settings.telegram_chat, url=settings.telegram_url)
