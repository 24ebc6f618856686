"""What is done to the bot, and what is to come of it all the same: every page once, in its order."""
