"""The issuing desk: passes, keys and the trust bundle; everything that is signed is signed here."""
