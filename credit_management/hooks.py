"""What happens when the add-on comes and goes. Nothing is ever sent here."""


def post_init_hook(env):
    """Give each company the policy for business customers; send nothing."""
    policy = env.ref("credit_management.policy_business", raise_if_not_found=False)
    if policy:
        companies = env["res.company"].with_context(active_test=False).search([])
        companies.filtered(lambda company: not company.credit_policy_id).write(
            {"credit_policy_id": policy.id}
        )
    digest = env.ref("digest.digest_digest_default", raise_if_not_found=False)
    if digest:
        # As the host's apps do; only collectors are shown the values.
        digest.write(
            {
                "kpi_credit_overdue": True,
                "kpi_credit_letters": True,
                "kpi_credit_collected": True,
            }
        )


def uninstall_hook(env):
    """Give contacts back an address type that the host knows."""
    env["res.partner"].with_context(active_test=False).search(
        [("type", "=", "dunning")]
    ).write({"type": "other"})
