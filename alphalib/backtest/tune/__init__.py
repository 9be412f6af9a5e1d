"""The tuner: what to change in the four parameter files, on which evidence, and how to take it back."""
