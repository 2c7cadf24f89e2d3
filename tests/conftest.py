"""Fixtures for all tests."""

from tests.beds.fixtures import (
    bed,
    cluster_admin,
    place_of_its_own,
    places,
    pytest_collection_modifyitems,
    pytest_generate_tests,
    testbed,
)
from tests.collecting import pytest_collection
from tests.needs import pytest_runtest_makereport
from tests.thorough import load_profile

__all__ = [
    "bed",
    "cluster_admin",
    "place_of_its_own",
    "places",
    "pytest_collection",
    "pytest_collection_modifyitems",
    "pytest_generate_tests",
    "pytest_runtest_makereport",
    "testbed",
]

load_profile()  # before any test is collected
