"""The commands of `python -m alphalib`, one file a subject; each a short function around the library."""
