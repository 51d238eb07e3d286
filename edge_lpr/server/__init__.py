"""The server's process: the API, the page, requests over MQTT, downloads. All bytes from strangers end here.

The gate starts it with ``python -m edge_lpr.server``, gives it the listening socket and one end of the link, and may
kill it at any time. It has a lower priority at the processor than the gate, a limit of memory, and its own reader.
Pictures are decoded in further processes, which are killed beyond their limits.
"""
