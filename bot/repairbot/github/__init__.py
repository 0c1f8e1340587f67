"""Pull requests on GitHub: what a review is to do (pure: `plan`), and the client that does it."""
