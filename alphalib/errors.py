"""The exceptions a caller may want to catch, as a tree.

AlphalibError
  InputError       what the user gave cannot be used: a file, a parameter, a date
    SessionError   a date that is not a trading session, or lies outside the calendar
  ContractError    an artefact that breaks its schema, one fault a line
  StoreError       the bus could not be read or written
    BusyError      another run holds the lock
  EvidenceError    outcomes were asked for without a grant, or the ledger refuses
"""

from collections.abc import Sequence


class AlphalibError(Exception):
    """Base of all errors that alphalib raises on purpose; its text is meant for a person."""


class InputError(AlphalibError, ValueError):
    """What the user gave cannot be used."""


class SessionError(InputError):
    """A date is not a session of the exchange, or outside what the calendar or the data covers."""


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
