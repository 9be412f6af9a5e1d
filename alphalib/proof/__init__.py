"""What is run on the whole library, to prove what it says about itself."""

from alphalib.proof.certificate import Certificate, certify, steps
from alphalib.proof.received import CORRUPTIONS, Received, corrupted
from alphalib.proof.stages import STAGES, Known, Stage, stages_called

__all__ = [
    "CORRUPTIONS",
    "STAGES",
    "Certificate",
    "Known",
    "Received",
    "Stage",
    "certify",
    "corrupted",
    "stages_called",
    "steps",
]
