"""The HTTP server below the API and the page: connections, client addresses, rate limits."""
