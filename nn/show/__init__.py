"""Networks, trainings and results as pictures and pages."""
