"""The operating-system layer: how a process gives its rights away. Knows nothing about logs."""
