"""A first pipeline file for a table somebody brings: profile, guess, write down with reasons."""
