"""What is installed on machines: the wheel, the three sets of packages, and how the documents have it."""
