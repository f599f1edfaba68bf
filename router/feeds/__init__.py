"""One file for each source of readings: requests() gives Calls, read(call, reply, now) gives readings."""
