"""May an action be done now: who owns the field, what the policy says, which guards brake. Pure but for the policy."""
