"""alphalib: a research-notebook-first quant library. See README.md for the house and its layers."""

__version__ = "0.1.0"
