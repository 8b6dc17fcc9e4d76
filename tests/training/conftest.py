"""The random anatomy model of the AI room's tests."""

from tests.ai.conftest import random_models

__all__ = ["random_models"]
