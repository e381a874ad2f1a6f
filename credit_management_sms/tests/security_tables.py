"""What the bridge opens to the outside, beside the tables of ``credit_management``."""

METHODS = {"sms.sms.send": "system"}
ROUTES = {
    "/c/<int:profile_id>/<string:code>": ("http", "public", ("GET",), True),
}
