"""The letter of a session against a real SMTP server on the loopback interface."""

import pytest

from alphalib.contracts import PortfolioFile
from alphalib.contracts.account import AccountDay
from alphalib.execute.account.letter import letter
from alphalib.execute.account.mail import mail_letter
from alphalib.execute.account.record import read_account
from alphalib.execute.account.settlement import Settled
from alphalib.settings import Settings
from alphalib.store import Store
from tests.report.test_mail import Inbox, server, settings


@pytest.fixture
def settled(tmp_path):
    account = AccountDay(
        date="2024-03-08",
        portfolio_nav=1_004_000.0,
        daily_return_pct=0.4,
        spy_return_pct=0.1,
        daily_alpha_pct=0.3,
        total_cash=1_004_000.0,
        unrealized_pnl=0.0,
        realized_pnl=4_000.0,
        nav_change_usd=4_000.0,
        position_pnl_usd=0.0,
        trade_pnl_usd=4_001.0,
        commission_usd=1.0,
        interest_usd=0.0,
        dividend_usd=0.0,
        unattributed_usd=0.0,
        unattributed_residual_pct=0.0,
        created_at="2024-03-08T21:00:10+00:00",
    )
    nav = account.portfolio_nav
    portfolio = PortfolioFile(date=account.date, cash=nav, nav=nav, nav_peak=nav)
    return Settled(portfolio, account, (), letter(account, [], read_account(Store(tmp_path))))


def test_the_letter_arrives_as_it_was_written_down(settled):
    inbox = Inbox()
    with server(inbox) as port:
        assert mail_letter(settled, settings(port)).status == "sent"
    [message] = inbox.messages
    assert message["Subject"] == "alphalib 2024-03-08: NAV 1,004,000, alpha +0.30%"
    assert message["From"] == "desk@example.org"
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n") == settled.text


def test_a_server_that_refuses_costs_a_sentence(settled):
    inbox = Inbox(["554 no"])
    with server(inbox) as port:
        delivery = mail_letter(settled, settings(port), sleep=lambda _: None)
    assert delivery.status == "failed"
    assert "554" in delivery.detail


def test_without_a_server_nothing_is_mailed(settled):
    delivery = mail_letter(settled, Settings(_env_file=None))
    assert delivery.status == "off"
    assert "ALPHALIB_SMTP_HOST" in delivery.detail
