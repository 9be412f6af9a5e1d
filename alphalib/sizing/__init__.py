"""How large an entry is: tilts that may raise or lower it, scalers that only lower it."""
