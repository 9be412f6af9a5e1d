"""The exceptions a caller may want to catch, as a tree.

AlphalibError
  InputError       what the user gave cannot be used: a file, a parameter, a date
    SessionError   a date that is not a trading session, or lies outside the calendar
    FactorError    an expression of the factor language that cannot be read; points at the character
  ContractError    an artefact that breaks its schema, one fault a line
  StoreError       the bus could not be read or written
    BusyError      another run holds the lock
  EvidenceError    outcomes were asked for without a grant, or the ledger refuses
  BrokerError      the gateway cannot be reached, is silent, or refuses
    NotPaperError  a managed account is not one of paper trading; nothing was sent
    CurrencyError  the account is not kept in the currency of the market; nothing was sent
  JournalError     the journal cannot be written, is torn, or contradicts itself; nothing new is traded
"""

from collections.abc import Sequence


class AlphalibError(Exception):
    """Base of all errors that alphalib raises on purpose; its text is meant for a person."""


class InputError(AlphalibError, ValueError):
    """What the user gave cannot be used."""


class SessionError(InputError):
    """A date is not a session of the exchange, or outside what the calendar or the data covers."""


class FactorError(InputError):
    """An expression of the factor language cannot be read; the message shows where.

    Parameters
    ----------
    reason : str
        What is wrong, in words.
    text : str
        The expression as given.
    position : int
        Of the character that is wrong, from 0; the length of the text when it ends too early.
    """

    def __init__(self, reason: str, text: str, position: int) -> None:
        self.reason = reason
        self.text = text
        self.position = position
        super().__init__(reason, text, position)

    def __str__(self) -> str:
        start = self.text.rfind("\n", 0, self.position) + 1
        line = self.text[start : start + MOST_SHOWN * 2 + self.position].split("\n", 1)[0]
        caret = self.position - start
        cut = max(0, caret - MOST_SHOWN)
        shown = line[cut : caret + MOST_SHOWN]
        shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in shown)
        lead = "…" if cut else ""
        number = self.text.count("\n", 0, start)
        where = f"line {number + 1}, character {caret + 1}" if "\n" in self.text else f"character {caret + 1}"
        return f"{self.reason} ({where})\n    {lead}{shown}\n    {' ' * (len(lead) + caret - cut)}^"


MOST_SHOWN = 60
"""Characters of an expression that a message shows on either side of the wrong one."""


class ContractError(AlphalibError, ValueError):
    """An artefact breaks its schema.

    Parameters
    ----------
    artefact : str
        Which artefact: its path on the bus, or its kind.
    faults : sequence of str
        One sentence a fault, each with the place it was found.
    """

    def __init__(self, artefact: str, faults: Sequence[str]) -> None:
        self.artefact = artefact
        self.faults = tuple(faults)
        super().__init__("\n".join([f"{artefact}: {len(self.faults)} fault(s)", *(f"  - {f}" for f in self.faults)]))


class StoreError(AlphalibError, OSError):
    """The bus could not be read or written; nothing half-written was left."""


class BusyError(StoreError):
    """Another run holds the lock."""


class EvidenceError(AlphalibError):
    """Outcomes were asked for without a grant, or the ledger cannot take an entry."""


class BrokerError(AlphalibError):
    """The gateway cannot be reached, is silent, or refuses."""


class NotPaperError(BrokerError):
    """A managed account is not one of paper trading; nothing was sent."""


class CurrencyError(BrokerError):
    """The account is not kept in the currency of the market: what it holds and what is planned do not compare."""


class JournalError(AlphalibError):
    """The journal cannot be written, is torn, or contradicts itself; nothing new is traded."""
