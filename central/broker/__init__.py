"""The broker's side of the centre: the connection, the bundle that is posted, and what is asked of the points again."""
