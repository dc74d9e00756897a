"""Logs in libvmaf's layout: built from results, written, read, cached, compared."""
