"""The shell around a core: clock, configuration, disk, sockets, one loop."""
