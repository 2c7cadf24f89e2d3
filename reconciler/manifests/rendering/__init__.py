"""What a tool renders of the files: what it reads, what could decide a field there, and what an edit changes."""
