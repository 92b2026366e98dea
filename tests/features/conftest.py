"""Property-based tests run few examples, and as long as a shared machine needs for them."""

from hypothesis import settings

settings.register_profile("features", deadline=None, max_examples=25)
settings.load_profile("features")
