"""The catalogue from the store alone: events read back as the steps they were."""
