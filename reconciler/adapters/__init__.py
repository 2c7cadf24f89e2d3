"""One vendor a file: the only rooms that know a library or a wire format of somebody else."""
