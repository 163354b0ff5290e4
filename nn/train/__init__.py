"""Stochastic gradient descent: rules, batches, schedules, and the loop."""
