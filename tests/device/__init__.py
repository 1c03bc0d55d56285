"""The station: the loop and the files of its hall; each room's tests stand in a folder of its name."""
