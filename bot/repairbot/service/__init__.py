"""The App: webhooks in, reviews out."""
