"""Model pairs: the archive that carries one, the store that keeps those installed, the trial that each must pass."""
