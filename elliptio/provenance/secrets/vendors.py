"""The forms of the tokens that vendors give out: what each begins with, and what follows.

Prefixes, alphabets and lengths are those of the vendors and of the rules of gitleaks, which are kept up to date
(https://github.com/gitleaks/gitleaks, MIT). A form that has nothing of its own is found by its name: `assignments`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from elliptio.masking import Rule

_END = r"(?![A-Za-z0-9])"
_MIXED = r"(?=[A-Za-z_-]{0,64}[0-9])"

_FORMS: tuple[tuple[str, str, str], ...] = (
    # What runs the code of data scientists: clouds, repositories, models, trackers.
    ("aws-access-key-id", "AKIA ASIA ABIA ACCA", rf"[A-Z0-9]{{16}}{_END}"),
    ("aws-access-key-id", "A3T", rf"[A-Z0-9][A-Z2-7]{{16}}{_END}"),
    ("aws-bedrock-key", "ABSK", r"[A-Za-z0-9+/]{100,}+=*+"),
    ("aws-bedrock-key", "bedrock-api-key-", r"[A-Za-z0-9+/=]{20,}+"),
    ("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{30,}+"),
    ("github-token", "github_pat_", r"\w{22,}+"),
    (
        "gitlab-token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glagent- gloas- glimt- glffct- glrtr-",
        r"[\w.-]{16,}+",
    ),
    ("gitlab-token", "GR1348941", r"[\w-]{20,}+"),
    ("slack-token", "xoxa- xoxb- xoxc- xoxe- xoxo- xoxp- xoxr- xoxs- xoxd-", r"[A-Za-z0-9-]{10,}+"),
    ("slack-token", "xoxe.xoxb- xoxe.xoxp-", r"[A-Za-z0-9-]{10,}+"),
    ("slack-token", "xapp-", r"[0-9]-[A-Za-z0-9-]{10,}+"),
    ("openai-key", "sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-None-", r"[\w-]{20,}+"),
    ("anthropic-key", "sk-ant-", r"[\w-]{16,}+"),
    ("langfuse-key", "sk-lf-", r"[0-9a-f-]{36}"),
    ("openai-key", "sk-", rf"(?=[A-Za-z]{{0,64}}[0-9])[A-Za-z0-9]{{32,}}+{_END}"),
    ("elevenlabs-key", "sk_", rf"[0-9a-f]{{48}}{_END}"),
    ("google-key", "AIza", r"[\w-]{30,45}+(?![\w-])"),
    ("google-token", "ya29.", r"[\w-]{20,}+"),
    ("google-secret", "GOCSPX-", r"[\w-]{20,}+"),
    ("npm-token", "npm_", r"[A-Za-z0-9]{30,}+"),
    ("pypi-token", "pypi-AgE", r"[\w-]{30,}+"),
    ("huggingface-token", "hf_", rf"[A-Za-z0-9]{{30,}}+{_END}"),
    ("huggingface-token", "api_org_", r"[A-Za-z0-9]{30,}+"),
    ("wandb-key", "wandb_v1_", r"\w{20,}+"),
    ("neptune-token", "eyJhcGlf", r"[A-Za-z0-9+/]{40,}+=*+"),
    ("langsmith-key", "lsv2_pt_ lsv2_sk_", r"[0-9a-f]{32}\w*+"),
    ("databricks-token", "dapi dose dkea", rf"[0-9a-f]{{32}}(?:-[0-9])?{_END}"),
    ("docker-token", "dckr_pat_ dckr_oat_", r"[\w-]{20,}+"),
    ("vault-token", "hvs. hvb. hvr.", r"[\w-]{24,}+"),
    ("vault-token", "s.", r"(?=(?:[A-Za-z]{0,24}[0-9]){3})[A-Za-z0-9]{24}(?![\w(.])"),
    ("groq-key", "gsk_", r"[A-Za-z0-9]{30,}+"),
    ("xai-key", "xai-", rf"{_MIXED}[A-Za-z0-9]{{40,}}+"),
    ("perplexity-key", "pplx-", r"[A-Za-z0-9]{40,}+"),
    ("pinecone-key", "pcsk_", r"\w{40,}+"),
    ("nvidia-key", "nvapi-", r"[\w-]{40,}+"),
    ("replicate-token", "r8_", r"[A-Za-z0-9]{30,}+"),
    ("tavily-key", "tvly-", r"[A-Za-z0-9-]{24,}+"),
    ("llamacloud-key", "llx-", r"[A-Za-z0-9]{40,}+"),
    ("prefect-token", "pnu_ pnb_", rf"[A-Za-z0-9]{{36}}{_END}"),
    ("json-web-token", "eyJ", r"[\w-]{8,}+\.eyJ[\w-]{6,}+\.[\w-]*+"),
    ("json-web-token", "ZXlK", r"[A-Za-z0-9+/]{60,}+=*+"),
    # All others, by name.
    ("1password-key", "A3-", r"[A-Z0-9]{6}(?:-[A-Z0-9]{5,11}){4,5}"),
    ("1password-token", "ops_eyJ", r"[A-Za-z0-9+/]{100,}+=*+"),
    ("adobe-secret", "p8e-", rf"[A-Za-z0-9]{{32}}{_END}"),
    ("age-key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{40,}+"),
    ("airtable-token", "pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("alibaba-key-id", "LTAI", rf"{_MIXED}[A-Za-z0-9]{{16,24}}+{_END}"),
    ("artifactory-token", "AKCp cmVmd", rf"{_MIXED}[A-Za-z0-9]{{58,70}}+{_END}"),
    ("atlassian-token", "ATATT3 ATCTT3 ATBB", r"[\w=-]{28,}+"),
    (
        "authress-key",
        "sc_ ext_ scauth_ authress_",
        r"[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_-][A-Za-z0-9-]{10,32}\.[\w+/=-]{30,}+",
    ),
    ("clickhouse-key", "4b1d", rf"[A-Za-z0-9]{{38}}{_END}"),
    ("clojars-token", "CLOJARS_ clojars_", rf"[A-Za-z0-9]{{60}}{_END}"),
    ("cloudflare-key", "v1.0-", r"[0-9a-f]{24}-[0-9a-f]{140,}+"),
    ("defined-networking-token", "dnkey-", r"[A-Za-z0-9=_-]{60,}+"),
    ("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", r"[0-9a-f]{64}"),
    ("doppler-token", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", r"(?:[\w-]{1,40}\.)?[A-Za-z0-9]{36,}+"),
    ("dropbox-token", "sl.", r"[A-Za-z0-9=_-]{100,}+"),
    ("duffel-token", "duffel_test_ duffel_live_", r"[\w=-]{40,}+"),
    ("dynatrace-token", "dt0c01. dt0s01. dt0s16.", r"[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}"),
    ("easypost-token", "EZAK EZTK", rf"[A-Za-z0-9]{{54}}{_END}"),
    ("facebook-token", "EAAM EAAC", r"[A-Za-z0-9]{100,}+"),
    ("figma-token", "figd_", r"[\w-]{36,}+"),
    ("flutterwave-key", "FLWSECK_TEST- FLWSECK- FLWPUBK_TEST-", r"[a-z0-9]{12,}+(?:-X)?"),
    ("fly-token", "fo1_ fm1a_ fm1r_ fm2_", rf"{_MIXED}[\w+/-]{{24,}}+=*+"),
    ("frameio-token", "fio-u-", r"[\w=-]{60,}+"),
    ("grafana-key", "eyJrIjoi", r"[A-Za-z0-9+/]{50,}+=*+"),
    ("grafana-token", "glc_", r"[A-Za-z0-9+/]{32,}+=*+"),
    ("grafana-token", "glsa_", r"[A-Za-z0-9]{30,}+_[A-Fa-f0-9]{8}"),
    ("harness-token", "pat. sat.", r"[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}"),
    ("heroku-key", "HRKU-", r"[\w-]{36,}+"),
    ("hubspot-token", "pat-na1- pat-na2- pat-eu1- pat-ap1-", r"[0-9a-f]{8}-[0-9a-f-]{27}"),
    ("infracost-token", "ico-", rf"{_MIXED}[A-Za-z0-9]{{32}}{_END}"),
    ("intra42-secret", "s-s4t2ud- s-s4t2af-", r"[0-9a-f]{64}"),
    ("linear-key", "lin_api_ lin_oauth_", r"[A-Za-z0-9]{30,}+"),
    ("mailgun-key", "key-", rf"{_MIXED}[a-z0-9]{{32}}{_END}"),
    ("mapbox-token", "pk. sk. tk.", r"(?:eyJ)?[A-Za-z0-9]{57,}+\.[\w-]{20,}+"),
    ("newrelic-key", "NRAK- NRII- NRJS- NRIQ- NRRA- NRSP-", r"[A-Za-z0-9-]{19,}+"),
    ("notion-token", "ntn_", r"[A-Za-z0-9]{36,}+"),
    ("notion-token", "secret_", rf"{_MIXED}[A-Za-z0-9]{{43}}{_END}"),
    ("octopus-key", "API-", rf"[A-Z0-9]{{25,26}}{_END}"),
    ("openshift-token", "sha256~", r"[\w-]{43}(?![\w-])"),
    ("plaid-token", "access-sandbox- access-development- access-production-", r"[0-9a-f]{8}-[0-9a-f-]{27}"),
    ("planetscale-token", "pscale_tkn_ pscale_oauth_ pscale_pw_", r"[\w=.-]{30,}+"),
    ("postman-key", "PMAK-", r"[0-9a-f]{24}-[A-Za-z0-9]{30,}+"),
    ("posthog-key", "phx_", r"[A-Za-z0-9]{40,}+"),
    ("pulumi-token", "pul-", r"[0-9a-f]{40}"),
    ("readme-token", "rdme_", r"[a-z0-9]{60,}+"),
    ("rubygems-token", "rubygems_", r"[0-9a-f]{48}"),
    ("scalingo-token", "tk-us-", r"[\w-]{48}"),
    ("sendgrid-key", "SG.", r"[\w-]{16,64}+\.[\w-]{16,64}+"),
    ("brevo-key", "xkeysib- xsmtpsib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    ("sentry-token", "sntrys_eyJ", r"[A-Za-z0-9+/=_]{30,}+"),
    ("sentry-token", "sntryu_ sntrya_ sntryi_", r"[0-9a-f]{64}"),
    ("settlemint-token", "sm_aat_ sm_pat_ sm_sat_", rf"[A-Za-z0-9]{{16}}{_END}"),
    ("shippo-token", "shippo_live_ shippo_test_", r"[0-9a-fA-F]{40}"),
    ("shopify-token", "shpat_ shpca_ shppa_ shpss_", r"[0-9a-fA-F]{32}"),
    ("sonar-token", "squ_ sqp_ sqa_", rf"[0-9a-f]{{40}}{_END}"),
    ("sourcegraph-token", "sgp_", r"(?:(?:[0-9a-fA-F]{16}|local)_)?[0-9a-fA-F]{40}"),
    ("square-token", "sq0atp- sq0csp-", r"[\w-]{22,}+"),
    ("square-token", "EAAA", rf"{_MIXED}[\w-]{{56,60}}+(?![\w-])"),
    ("stripe-key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_", r"[A-Za-z0-9]{10,}+"),
    ("stripe-secret", "whsec_", r"[A-Za-z0-9+/=]{24,}+"),
    ("supabase-token", "sbp_", r"[0-9a-f]{40}"),
    ("supabase-key", "sb_secret_", r"[\w-]{20,}+"),
    ("tailscale-key", "tskey-", r"[a-z]{2,10}-[\w-]{16,}+"),
    ("twilio-key", "SK", rf"[0-9a-fA-F]{{32}}{_END}"),
    ("twitter-token", "A" * 22, r"(?=[A-Za-z0-9]{0,100}%)[A-Za-z0-9%]{60,120}+(?![\w/+])"),
    ("typeform-token", "tfp_", r"[\w=.-]{40,}+"),
    ("yandex-token", "t1.", r"[\w-]{8,}+={0,2}\.[\w-]{86}"),
    ("yandex-key", "AQVN", r"[\w-]{35,38}+(?![\w-])"),
    ("yandex-key-id", "YCAJ", r"[\w-]{20,38}+(?![\w-])"),
)


def _tokens() -> Iterator[Rule]:
    """Return a rule for each prefix; the token is no part of a longer word."""
    for kind, prefixes, body in _FORMS:
        for prefix in prefixes.split():
            # The fixed string comes first, and is looked at again from behind: so the search is one for a plain string.
            literal = re.escape(prefix)
            # A word may also begin after the minus of a diff, an escaped line break or an escaped "=" or space.
            boundary = "|".join(rf"(?<={before}{literal})" for before in ("^-", r"\\[nrt]", "%3D", "%20"))
            yield Rule(kind, prefix, rf"{literal}(?:(?<![\w-]{literal})|{boundary}){body}")


TOKENS = tuple(_tokens())
"""Rules for tokens that are secrets as a whole, by their prefix."""

# What is fixed does not stand at the beginning of these, or part of them may be shown: group 1 is the secret.
PARTS: tuple[Rule, ...] = (
    Rule("azure-secret", "Q~", r"Q~(?<=[\w.~]{3}[0-9]Q~)([\w.~-]{31,34}+)(?![\w~-])"),
    Rule("terraform-token", ".atlasv1.", r"\.atlasv1\.([\w=-]{50,}+)"),
    Rule("telegram-token", ":A", r":A(?<=[0-9]{8}:A)([\w-]{33,34}+)(?![\w-])"),
    Rule("firebase-key", ":APA91b", r":APA91b([\w-]{60,}+)"),
    Rule("mailchimp-key", "-us", r"(?<![A-Za-z0-9])([0-9a-f]{32}-us[0-9]{1,2})(?![A-Za-z0-9])", "-us[0-9]"),
    Rule("maxmind-key", "_mmk", r"(?<![A-Za-z0-9])([A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk)(?![A-Za-z0-9])"),
    Rule(
        "discord-token",
        ".",
        rf"(?:(?<![\w.-])|(?<=^-))[MNO]{_MIXED}[\w-]{{22,27}}+\.[\w-]{{6}}\.({_MIXED}[\w-]{{27,40}}+)(?![\w.-])",
        r"\.[\w-]{6}\.[\w-]{27}",
    ),
    Rule("slack-webhook", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/+]{20,}+)"),
    Rule("discord-webhook", "/api/webhooks/", r"/api/webhooks/[0-9]{10,24}+/([\w-]{40,}+)"),
    Rule("teams-webhook", "webhook.office.com/", r"webhook\.office\.com/webhookb2/([\w@/-]{36,}+)"),
    Rule("gitlab-session", "_gitlab_session=", r"_gitlab_session=([0-9a-z]{32})"),
    Rule("azure-key", "AccountKey=", r"AccountKey=([A-Za-z0-9+/=]{16,}+)"),
    Rule("azure-key", "SharedAccessKey=", r"SharedAccessKey=([A-Za-z0-9+/=]{16,}+)"),
    Rule("wandb-key", "wandb login ", r"wandb login (?:--relogin |--verify ){0,2}([0-9a-f]{40})(?![0-9a-f])"),
)
"""Rules for tokens of which a part is masked."""
