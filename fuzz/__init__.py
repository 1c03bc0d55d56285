"""Fuzzing: what anybody may hand to the station, changed at random by a tool that watches which code it reaches."""
