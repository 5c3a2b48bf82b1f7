"""Pure: a suggestion's rule in the syntax of one tool. Renders and checks; decides nothing."""
