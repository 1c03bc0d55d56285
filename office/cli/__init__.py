"""The commands of ``titik-office``, a file each: what it is asked, typed, and what it answers.

What a command needs is loaded when it runs: the help, and a command that draws nothing, wait for no library.
"""
