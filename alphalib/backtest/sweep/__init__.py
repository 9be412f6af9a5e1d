"""Many settings of the rules, each a trial: their values, their books, a search among them, their measures."""
