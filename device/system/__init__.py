"""What any of the three programs may take: files, locks, time, threads, systemd; nothing in it knows of codes."""
