"""A newsroom's year on a fake clock: the script, the site that shows it, the watch that sees it, the comparison."""
