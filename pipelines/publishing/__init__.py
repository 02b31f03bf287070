"""Publishing: audit what was computed, build a version, swap one pointer."""
