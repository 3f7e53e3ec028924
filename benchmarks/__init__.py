"""Measurements that anyone can repeat; each prints what it measured and how."""
