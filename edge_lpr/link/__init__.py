"""The link between the gate's process and the server's process: a pair of connected sockets, and what is sent over it.

    gate  -> server   pickled objects (``link.messages``): settings, state, passages, scenes
    gate  <- server   JSON objects of at most ``MAX_REQUEST`` bytes: alive, a scene is wanted, a reload is wanted

The server takes bytes from strangers, so the gate trusts nothing that it sends: the gate unpickles nothing, reads
messages of a bounded size, and never waits for the server.
"""
