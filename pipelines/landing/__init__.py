"""From files as they arrive to facts in the lake: find, verify whole, read, quarantine, commit."""
