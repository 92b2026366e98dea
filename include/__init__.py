"""Gatehouse: only data that passes trains a model; only a model that wins gets promoted."""
