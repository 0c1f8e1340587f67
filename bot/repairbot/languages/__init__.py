"""One folder a language: it lowers source text to the model, and writes repairs."""
