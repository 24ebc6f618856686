"""Scenarios: faults of the bot and its surroundings. Every page must be posted once, in its order."""
