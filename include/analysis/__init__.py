"""What a table tells: profiles, associations, time, and the story in words."""
