"""A pass: what it says, its QR, and how it comes to its holder."""
