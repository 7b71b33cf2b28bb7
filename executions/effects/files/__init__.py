"""Files and folders inside the configured folder (FILES_ROOT), and nowhere else."""
