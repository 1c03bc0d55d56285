"""The issuing desk."""
