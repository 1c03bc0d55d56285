"""What breaks, broken on purpose: power, links, brokers, centres, clocks; and the count of what was lost."""
