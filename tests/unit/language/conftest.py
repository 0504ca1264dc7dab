"""Property tests share the machine with others: how long one example takes says nothing."""

from hypothesis import settings

settings.register_profile("tailrace", deadline=None, max_examples=60)
settings.load_profile("tailrace")
