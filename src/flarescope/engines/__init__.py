"""How a frozen network runs on this machine."""
