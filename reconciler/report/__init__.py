"""What people read on a terminal: tables, diffs, the story of an operation. Values in, blocks out."""
