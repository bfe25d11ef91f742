"""The alphabet every other package is written in. Standard library only; no input or output."""
