"""The product over other people's brokers; see test_brokers."""
