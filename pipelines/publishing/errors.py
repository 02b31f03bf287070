"""What stops a publish."""


class PublishError(Exception):
    """Nothing was published. The text names the table or file, and what to do next."""
