"""Tests of the pure core: values in, values out, nothing asked of anybody."""
