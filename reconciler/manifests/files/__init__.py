"""Files of a commit: which may be edited, which objects each describes, and what is read through links."""
