"""The application of Django, which registers the system checks."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from ._checks import check_cookie, check_settings


class JRSSessionConfig(AppConfig):
    """Registers the system checks."""

    name = "jrs_session.django"
    label = "jrs_session"
    verbose_name = "Sessions of JRS"

    def ready(self) -> None:
        """Called by Django at its start."""
        register(check_settings)
        register(check_cookie, Tags.security)
