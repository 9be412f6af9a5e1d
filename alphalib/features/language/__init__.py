"""The factor language: text to a typed tree. Read its modules directly: `features.fields` needs the units alone."""
