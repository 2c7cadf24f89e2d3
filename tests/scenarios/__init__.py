"""The product's scenarios, each caused and cured for real on the testbed."""
