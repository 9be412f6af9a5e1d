import asyncio
import json
import logging
import math
from datetime import UTC, datetime, timedelta

from alphalib.clock import SessionLoop, run
from alphalib.execute.daemon.notify import MOST_WAITING, Silent, Telegram, notifier
from alphalib.settings import Settings

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
TOKEN = "123:not-a-real-token"


class Service:
    """A local HTTP server that answers as told, after a while, and keeps what it was sent."""

    def __init__(self, *, status: int = 200, after: float = 0.0) -> None:
        self.status, self.after = status, after
        self.received: list[tuple[str, dict[str, str]]] = []

    async def __aenter__(self) -> "Service":
        self.server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *problem: object) -> None:
        self.server.close()
        await self.server.wait_closed()
        await asyncio.sleep(100)  # whoever still waits to answer

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                length = next(int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length"))
                body = json.loads(await reader.readexactly(length))
                self.received.append((lines[0], body))
                await asyncio.sleep(self.after)
                writer.write(f"HTTP/1.1 {self.status} X\r\ncontent-length: 2\r\n\r\n{{}}".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def at_any_speed(main):
    return run(main, SessionLoop(start=START, speed=math.inf))


def test_messages_arrive_in_their_order():
    async def main() -> list[tuple[str, dict[str, str]]]:
        async with Service() as service:
            telegram = Telegram(TOKEN, "42", url=service.url)
            telegram.tell("first")
            telegram.tell("second")
            await telegram.close()
            return service.received

    received = at_any_speed(main())
    assert [line for line, _ in received] == [f"POST /bot{TOKEN}/sendMessage HTTP/1.1"] * 2
    assert [body for _, body in received] == [{"chat_id": "42", "text": text} for text in ("first", "second")]


def test_telling_never_waits_for_a_service_that_does_not_answer(caplog):
    async def main() -> tuple[timedelta, timedelta]:
        async with Service(after=60) as service:
            loop = asyncio.get_running_loop()
            telegram = Telegram(TOKEN, "42", url=service.url, timeout=5)
            began = loop.now()
            for number in range(2 * MOST_WAITING):
                telegram.tell(str(number))
            told = loop.now() - began
            await telegram.close()
            return told, loop.now() - began

    told, closed = at_any_speed(main())
    assert told == timedelta(0)
    assert closed <= timedelta(seconds=5.01)
    assert "not delivered" in caplog.text


def test_what_goes_wrong_is_said_without_the_token(caplog):
    caplog.set_level(logging.DEBUG, logger="alphalib")

    async def main(*, refused: bool) -> None:
        async with Service(status=401) as service:
            url = "http://127.0.0.1:1" if refused else service.url
            telegram = Telegram(TOKEN, "42", url=url)
            telegram.tell("lost")
            await telegram.close()

    at_any_speed(main(refused=False))
    assert "answered 401" in caplog.text
    at_any_speed(main(refused=True))
    assert "ConnectError" in caplog.text
    assert TOKEN not in caplog.text


def test_one_message_that_fails_does_not_end_the_next():
    async def main() -> int:
        async with Service(status=500) as service:
            telegram = Telegram(TOKEN, "42", url=service.url)
            telegram.tell("first")
            await asyncio.sleep(1)
            telegram.tell("second")
            await telegram.close()
            return len(service.received)

    assert at_any_speed(main()) == 2


def test_nobody_is_told_without_a_token():
    assert isinstance(notifier(Settings(_env_file=None)), Silent)
    telegram = notifier(Settings(_env_file=None, telegram_token=TOKEN, telegram_chat="42"))
    assert isinstance(telegram, Telegram)
    assert TOKEN not in repr(Settings(_env_file=None, telegram_token=TOKEN))
