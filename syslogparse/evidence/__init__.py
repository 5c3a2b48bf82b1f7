"""Pure: log lines to decoded events, events to counted evidence. Imports neither os nor sandbox."""
