"""Peers: each module installs one from its package into a tree of its own and knows its commands."""
