"""The commands, by what they are about; imports of theirs that take time stay inside them."""
