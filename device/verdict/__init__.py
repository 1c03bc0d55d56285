"""From a text to a verdict: what is believed of it, and what the rules in force make of that."""
