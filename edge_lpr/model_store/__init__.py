"""Model pairs: the archive that carries one, the shelf that keeps those installed, the trial that each must pass."""
