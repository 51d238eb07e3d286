"""Following plates over frames, the vote on their numbers, and the passage that comes out: one for each vehicle."""
