"""Multi-frame tracking: follows plates, votes on their numbers, and produces one passage for each vehicle."""
