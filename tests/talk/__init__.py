"""What is said with people on the forge, as values in and values out."""
