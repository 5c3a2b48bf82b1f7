"""syslogparse: reads system logs in a sandbox and prints the policy that would settle what they complain about."""

__version__ = "0.1.0"
