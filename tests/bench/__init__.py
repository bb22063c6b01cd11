"""``python -m tests.bench``: what the connector costs over HTTP, and how that grows.

See ``make bench``. Nothing here asserts times; a target that is missed is printed as missed.
"""
