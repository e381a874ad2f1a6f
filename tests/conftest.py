"""How many examples hypothesis tries.

``pytest --hypothesis-profile=thorough`` looks much longer, with new examples each time.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "quick",
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough",
    max_examples=3000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("quick")
