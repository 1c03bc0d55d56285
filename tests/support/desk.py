"""The desk of the tests: its passphrase."""

PASSPHRASE = "kuda benar baterai staples"
