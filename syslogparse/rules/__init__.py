"""Pure: counted evidence to suggestions. Decides; prints nothing."""
