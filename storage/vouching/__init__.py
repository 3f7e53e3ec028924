"""What vouches for manifests: the archive's own key, and time stamps of an authority."""
