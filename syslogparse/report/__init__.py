"""Results for people and programs: text, rules, json, events."""
