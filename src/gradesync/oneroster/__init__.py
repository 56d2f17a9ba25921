"""Read and write a gradebook over OneRoster 1.1 and 1.2, in the dialects of its vendors."""
