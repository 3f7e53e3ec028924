"""The reading room: web pages over one archive, and the same facts as JSON; archived pages are on another origin."""
