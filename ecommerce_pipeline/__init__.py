"""The lakehouse pipeline: reading `definitions.py` is seeing the picture."""
