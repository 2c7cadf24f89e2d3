"""Fixtures for all tests."""

from tests.testbed.fixtures import cluster_admin, place_of_its_own, places, pytest_collection_modifyitems, testbed

__all__ = ["cluster_admin", "place_of_its_own", "places", "pytest_collection_modifyitems", "testbed"]
