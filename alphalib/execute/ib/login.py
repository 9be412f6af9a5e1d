"""The first seconds of a connection: who is there, whether somebody is logged in, and that it is paper."""

from __future__ import annotations

import asyncio
from typing import Any

from alphalib.errors import BrokerError, NotPaperError
from alphalib.execute.ib.ears import Ears

START = "start IB Gateway, log in to the paper account and allow API clients (or rehearse with --simulate)"


class InUseError(BrokerError):
    """The client id is taken."""


def of_paper(account: str) -> bool:
    """Whether an account is one of paper trading: DU…, DUP…, DF…"""
    return account.startswith("D")


async def log_in(
    client: Any, ears: Ears, *, host: str, port: int, client_id: int, account: str, patience: float
) -> str:
    """Connect, and choose the account to trade; whatever fails, no socket is left.

    Parameters
    ----------
    client : object
        The library's, not connected yet.
    ears : Ears
        What it tells.
    host, port, client_id
        Where, and as whom.
    account : str
        The one to trade; empty for the only one.
    patience : float
        How long it may take. [seconds]

    Raises
    ------
    NotPaperError, InUseError, BrokerError
        What is wrong, where, and what to do.
    """
    attempt = asyncio.ensure_future(client.connectAsync(host, port, client_id, 0))
    where = f"{host}:{port}"
    try:
        await asyncio.wait({attempt, ears.closed}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        _answered(attempt, client, ears, where=where, client_id=client_id, patience=patience)
        return _account(tuple(dict.fromkeys((*client.getAccounts(), *ears.accounts))), account, where)
    except BaseException:
        attempt.cancel()
        await asyncio.wait({attempt})
        await leave(client, ears)
        raise


async def leave(client: Any, ears: Ears) -> None:
    """Close the socket, and wait until it is; a peer that does not take what is left to send is not waited for."""
    transport = client.conn.transport
    if transport is None:
        return
    client.disconnect()
    await asyncio.wait({ears.closed}, timeout=1.0)
    transport.abort()
    await asyncio.wait({ears.closed}, timeout=1.0)


def _answered(
    attempt: asyncio.Future[None], client: Any, ears: Ears, *, where: str, client_id: int, patience: float
) -> None:
    """Whether somebody is logged in there."""
    error = attempt.exception() if attempt.done() else None
    if isinstance(error, ConnectionRefusedError):
        raise BrokerError(f"no gateway at {where} (connection refused): {START}") from None
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        raise BrokerError(f"no gateway at {where} ({error}): {START}") from None
    if error is not None:
        raise BrokerError(f"{where} speaks no TWS protocol ({error!r})") from error
    if ears.closed.done() and ears.refusal is not None:
        raise InUseError(f"client id {client_id} is in use at {where}: stop the other program that uses it")
    if ears.closed.done():
        raise BrokerError(f"{where} closed the connection before it said who is logged in: {START}")
    if not attempt.done() and client.serverVersion():
        raise BrokerError(
            f"{where} answers, but nobody is logged in within {patience:g} s: log in to the paper account"
        )
    if not attempt.done():
        raise BrokerError(f"{where} takes the connection and says nothing within {patience:g} s: {START}")


def _account(managed: tuple[str, ...], wish: str, where: str) -> str:
    """The account to trade, where all are of paper."""
    if real := [name for name in managed if not of_paper(name)]:
        raise NotPaperError(
            f"{', '.join(real)} at {where} is no account of paper trading (those begin with D): nothing was sent. "
            "Log in with the paper user; there is no switch that allows another"
        )
    if wish and wish not in managed:
        raise BrokerError(f"account {wish} is not managed at {where}: there are {', '.join(managed)}")
    if not wish and len(managed) > 1:
        raise BrokerError(f"several accounts at {where} ({', '.join(managed)}): name the one to trade")
    return wish or managed[0]
