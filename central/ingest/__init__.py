"""What came in: by the network or carried here, taken as rows or put aside."""
