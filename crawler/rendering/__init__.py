"""Pages as a browser makes them: a Chromium that has no way to the network, and is given what the wire brings."""
