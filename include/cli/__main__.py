"""`python -m include.cli`, the same as `gatehouse`."""

from include.cli import app

if __name__ == "__main__":
    app()
