"""The factor language: text to a typed tree."""
