"""What people read on a terminal: tables, diffs, the story of an operation. Values in, lines out."""
