"""The random anatomy model of the AI room's tests, and one thread for the networks."""

from tests.ai.conftest import one_thread, random_models

__all__ = ["one_thread", "random_models"]
