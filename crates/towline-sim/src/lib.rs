//! A model provider simulator with scripted faults, real HTTP on loopback.
