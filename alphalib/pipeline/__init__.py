"""Notebooks run as steps: `python -m alphalib.pipeline weekly --asof DATE --store URL`."""
