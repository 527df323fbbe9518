"""What goes wrong: scenarios say what and when, the rest of the package what it does to messages and registers."""
