"""Tests of the shipped rules and of the engines that run them."""
