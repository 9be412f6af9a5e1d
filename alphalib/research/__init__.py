"""Research: scanner, analyst, population and the desk that runs them.

`desk.signals` scores one session, `desk.signal_history` a whole history; both by rules, without a language model.
"""
