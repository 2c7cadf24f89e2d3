"""YAML as text: read where everything stands, change fields of it, and prove that nothing else became different."""
