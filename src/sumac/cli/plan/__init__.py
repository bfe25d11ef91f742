"""The catalogue as a file: `sumac plan pull` and `sumac plan push`."""
