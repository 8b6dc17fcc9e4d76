"""One thread for the networks of these tests."""

from tests.ai.conftest import one_thread

__all__ = ["one_thread"]
