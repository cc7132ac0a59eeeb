import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elliptio.provenance import redaction
from elliptio.provenance.redaction import MASK, Finding, redact, redact_argv, redact_url
from tests.provenance.secrets.secret_cases import ADVERSARIAL, ALPHANUMERIC, INNOCENT, SECRETS, fake


@pytest.mark.parametrize(("template", "secret"), [pytest.param(t, s, id=n) for n, t, s in SECRETS])
def test_masks_a_secret(template, secret):
    text = template.format(secret)
    masked, findings = redact(text)
    assert secret not in masked
    assert MASK in masked
    # Nothing but the secret goes: a beginning may stay that is no secret in itself.
    before, _, after = template.format("\0").partition("\0")
    assert masked.startswith(before)
    assert masked.endswith(after)
    assert [finding.position for finding in findings] == [1]
    assert secret not in repr(findings)


@pytest.mark.parametrize(("template", "secret"), [pytest.param(t, s, id=n) for n, t, s in SECRETS])
@pytest.mark.parametrize("place", ["+{}", "-{}", " {}", '+    "{}\\n",', "x\n{}\ny"])
def test_masks_a_secret_in_a_diff(template, secret, place):
    line = template.format(secret)
    if '"' in place:
        line = json.dumps(line, ensure_ascii=False)[1:-1]
    masked, findings = redact(place.format(line))
    assert secret not in masked
    assert masked.count("\n") == place.count("\n")
    assert findings


@pytest.mark.parametrize("text", INNOCENT)
@pytest.mark.parametrize("place", ["{}", "+{}", "    {}\n", "a\n-    {}\nb"])
def test_leaves_innocent_text_alone(text, place):
    text = place.replace("{}", text)
    assert redact(text) == (text, [])


def test_says_on_which_line():
    secret = "gh" + "p_" + fake(36)
    text = f"a\nb {secret}\nc\nd {secret} {secret}\n"
    assert redact(text) == (
        f"a\nb {MASK}\nc\nd {MASK} {MASK}\n",
        [Finding("github-token", 2), Finding("github-token", 4), Finding("github-token", 4)],
    )


@pytest.mark.parametrize("prefix", ["", "+", "-", " "])
@pytest.mark.parametrize("kind", ["RSA ", "", "OPENSSH ", "EC ", "ENCRYPTED "])
def test_masks_a_private_key(prefix, kind):
    lines = [fake(64, ALPHANUMERIC + "+/") for _ in range(20)] + [fake(10) + "=="]
    begin, end = "-----BEGIN " + kind + "PRIVATE KEY-----", "-----END " + kind + "PRIVATE KEY-----"
    text = "\n".join(prefix + line for line in ["before", begin, *lines, end, "after"])
    masked, findings = redact(text)
    assert not any(line[2:] in masked for line in lines)
    assert masked.count("\n") == text.count("\n")
    assert masked.splitlines()[0] == prefix + "before"
    assert masked.splitlines()[-1] == prefix + "after"
    assert all(line.startswith(prefix) for line in masked.splitlines())
    assert len(findings) == len(lines)


@pytest.mark.parametrize("prefix", ["", "+", "-", " "])
@pytest.mark.parametrize(
    "lines",
    [
        ["PASSWORD = (", '    "{}"', ")"],
        ["PASSWORD = (", '    "{}"', "    'second99'", ")"],
        ['password = """', "{}", '"""'],
        ["password = '''\\", "{}'''"],
        ["docker login -u u \\", "    -p '{}' registry"],
    ],
)
def test_masks_a_secret_on_the_next_line(prefix, lines):
    secret = "hunter" + "two"
    text = "\n".join(prefix + line.format(secret) for line in lines)
    masked, findings = redact(text)
    assert secret not in masked
    assert "second99" not in masked
    assert masked.count("\n") == text.count("\n")
    assert findings[0].position == 2


def test_masks_a_private_key_in_json():
    body = fake(64) + "\\n" + fake(30)
    text = (
        '{"private_key": "-----BEGIN ' + "PRIVATE KEY-----\\n" + body + "\\n-----END " + 'PRIVATE KEY-----\\n", "a": 1}'
    )
    masked, _ = redact(text)
    assert body[:60] not in masked
    assert body[-30:] not in masked
    assert masked.endswith('"a": 1}')


def test_masks_a_private_key_that_is_cut_off():
    lines = [fake(64) for _ in range(3)]
    text = "\n".join(["-----BEGIN " + "PRIVATE KEY-----", *lines, "def f(): pass"])
    masked, _ = redact(text)
    assert not any(line in masked for line in lines)
    assert masked.endswith("def f(): pass")


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--password", "x"], ["--password", MASK]),
        (["--db-password", "x", "y"], ["--db-password", MASK, "y"]),
        (["--token=" + "x"], ["--token=" + MASK]),
        (["-token", "x"], ["-token", MASK]),
        (["--api-key", "x", "--apikey=" + "x"], ["--api-key", MASK, "--apikey=" + MASK]),
        (["--hf_token", "x"], ["--hf_token", MASK]),
        (["--accessToken", "x"], ["--accessToken", MASK]),
        (["PASSWORD=" + "x"], ["PASSWORD=" + MASK]),
        (["db.password=" + "x", "+trainer.token=" + "x"], ["db.password=" + MASK, "+trainer.token=" + MASK]),
        (["--url", "https://u:" + "pw1@h/"], ["--url", f"https://u:{MASK}@h/"]),
        (["-H", "Authorization: Bearer " + "a1b2c3d4e5"], ["-H", f"Authorization: Bearer {MASK}"]),
        (["--passphrase=" + "two words"], ["--passphrase=" + MASK]),
        (["--pass", "x1y"], ["--pass", MASK]),
        (["--pass=" + "x1y"], ["--pass=" + MASK]),
        (["--wandb_key", "x"], ["--wandb_key", MASK]),
        (["--wandb-key", "x"], ["--wandb-key", MASK]),
        (["--credentials", "hunter22"], ["--credentials", MASK]),
        (["--pat", "hunter22"], ["--pat", MASK]),
        (["--auth", "u:x1"], ["--auth", f"u:{MASK}"]),
        (["--auth=u:" + "x1"], [f"--auth=u:{MASK}"]),
        (["-u", "u:x1"], ["-u", f"u:{MASK}"]),
        (["--password", "-hunter22"], ["--password", MASK]),
        (["--key", "a1b2c3d4e5f6a7b8"], ["--key", MASK]),
        (["--pwd", "hunter2two"], ["--pwd", MASK]),
        (["sshpass", "-p", "x", "ssh"], ["sshpass", "-p", MASK, "ssh"]),
        (["sshpass", "-px1", "ssh", "-p2222", "h"], ["sshpass", f"-p{MASK}", "ssh", "-p2222", "h"]),
        (["sshpass", "-p", "x1", "ssh", "-p", "22"], ["sshpass", "-p", MASK, "ssh", "-p", "22"]),
        (["curl", "-uandy:hunter", "https://x"], ["curl", f"-uandy:{MASK}", "https://x"]),
        (["/usr/bin/curl", "-s", "-uandy@x.org:a/b:c"], ["/usr/bin/curl", "-s", f"-uandy@x.org:{MASK}"]),
        (["curl", "-u:hunter"], ["curl", f"-u:{MASK}"]),
        (["-uandy:hunter2two"], [f"-uandy:{MASK}"]),
        (["http", "-aandy:hunter"], ["http", f"-aandy:{MASK}"]),
        (["mysql", "-uroot", "-phunter", "db"], ["mysql", "-uroot", f"-p{MASK}", "db"]),
        (["docker", "exec", "db", "mysqldump.exe", "-p12"], ["docker", "exec", "db", "mysqldump.exe", f"-p{MASK}"]),
        (["mariadb-dump", "-pone two"], ["mariadb-dump", f"-p{MASK}"]),
        (["exec", "--", "mariadb", "-phunter"], ["exec", "--", "mariadb", f"-p{MASK}"]),
        (["mongosh", "-u", "root", "-p", "hunter"], ["mongosh", "-u", "root", "-p", MASK]),
        (["docker", "login", "-u", "u", "-p", "x", "reg"], ["docker", "login", "-u", "u", "-p", MASK, "reg"]),
        (["curl", "--proxy-user", "u:x1"], ["curl", "--proxy-user", f"u:{MASK}"]),
        (["smbclient", "-U", "u%x"], ["smbclient", "-U", f"u%{MASK}"]),
        (["--logger.wandb.key=" + "x"], ["--logger.wandb.key=" + MASK]),
        (["+comet.api_key=" + "x"], ["+comet.api_key=" + MASK]),
        (["--pw", "hunter"], ["--pw", MASK]),
        (["--mysql-pwd", "hunter"], ["--mysql-pwd", MASK]),
        (["DB_PASS=" + "hunter", "db.pass=" + "hunter"], ["DB_PASS=" + MASK, "db.pass=" + MASK]),
        (["redis-cli", "-a", "hunter", "get"], ["redis-cli", "-a", MASK, "get"]),
    ],
)
def test_masks_arguments(argv, expected):
    masked, findings = redact_argv(["prog", *argv])
    assert masked == ["prog", *expected]
    assert all(masked[finding.position] != ["prog", *argv][finding.position] for finding in findings)
    assert len(findings) == sum(a != b for a, b in zip(argv, expected, strict=True))


@pytest.mark.parametrize(
    "argv",
    [
        ["--max-tokens", "100"],
        ["--token-count=5"],
        ["--tokenizer", "bert"],
        ["--password-file", "/run/x"],
        ["--password", "--verbose"],
        ["--no-password", "db"],
        ["--password", "-v"],
        ["--password", "--db-host=x1"],
        ["-pass", "2"],
        ["--credentials", "/run/secrets/x1"],
        ["--credentials", "service.json"],
        ["--pat", "--verbose"],
        ["--auth", "basic"],
        ["--auth", "u:$PASSWORD"],
        ["-u", "1000:1000"],
        ["-u", "https://example.org"],
        ["-u", "script.py"],
        ["--key", "created_at_2024_01_01"],
        ["--sort-key", "a1b2c3d4e5f6a7b8"],
        ["--pwd", "/home/andy/project2"],
        ["--pwd", "project2024"],
        ["--compass", "north1"],
        ["--pad-token", "[PAD]"],
        ["--use-auth-token"],
        ["--key", "id"],
        ["--seed=1"],
        ["-p", "8080"],
        ["-p8080"],
        ["-pretrained"],
        ["docker", "run", "-p80:80", "-u1000:1000", "mysql"],
        ["--backend", "mysql", "-p3306", "-pretrained"],
        ["mysql", "-p", "database", "-P3306", "--port=3306"],
        ["mysql", "-p$PASSWORD"],
        ["mongosh", "-p", "--port", "1"],
        ["-uandy"],
        ["-url:https://h/x1y2z3"],
        ["-url:x1y2z3a4"],
        ["-update:all"],
        ["-unit:kg"],
        ["-units:kg2m3s4x"],
        ["-us-east-1:prod"],
        ["-u1000:1000"],
        ["-uwww-data:www-data"],
        ["-uandy:$PASSWORD1x"],
        ["-user:andy1234"],
        ["-utf8:strict99"],
        ["curl", "-uandy", "-uhttps://x"],
        ["curl", "-u$USER:$PASSWORD"],
        ["run.py", "curl.py", "-ua:b"],
        ["docker", "run", "-p", "80:80", "login"],
        ["first_pass=x1", "--num-pass", "1000"],
        ["key=a1b2c3d4e5f6a7b8"],
        ["-c", "token=5; print(token)\n"],
        ["--token", ""],
        ["--password=$PASSWORD"],
        [],
    ],
)
def test_leaves_innocent_arguments_alone(argv):
    if argv == ["--token", ""]:
        assert redact_argv(argv)[0] in (argv, ["--token", MASK])
    else:
        assert redact_argv(argv) == (argv, [])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://u:" + "p@example.com/a.git", "https://example.com/a.git"),
        ("https://tok@example.com:8443/a.git?private_token=" + "x#y", "https://example.com:8443/a.git"),
        ("ssh://git@example.com/a.git", "ssh://git@example.com/a.git"),
        ("ssh://git:" + "pw@example.com/a.git", "ssh://git@example.com/a.git"),
        ("git@example.com:o/a.git", "git@example.com:o/a.git"),
        ("/srv/git/a.git", "/srv/git/a.git"),
        ("file:///srv/git/a.git", "file:///srv/git/a.git"),
        ("https://example.com/a.git", "https://example.com/a.git"),
    ],
)
def test_takes_credentials_out_of_a_remote(url, expected):
    assert redact_url(url) == expected


@pytest.mark.slow
@pytest.mark.timeout(100)
@pytest.mark.parametrize("unit", ADVERSARIAL)
def test_takes_linear_time(unit):
    """Each takes less than a second; what is quadratic takes minutes, and is ended."""
    text = unit * (100_000 // len(unit))
    redact(text)
    redact_argv([text, "--password", text, f"x={text}"])


@pytest.mark.slow
@given(st.text())
def test_takes_any_text(text):
    masked, findings = redact(text)
    assert (masked == text) == (not findings)
    assert masked.count("\n") == text.count("\n")


@given(st.lists(st.sampled_from([t.format(s) for _, t, s in SECRETS] + INNOCENT + ["\n", " ", '"', "=", "://"])))
def test_masking_again_changes_nothing(parts):
    masked, _ = redact("".join(parts))
    assert redact(masked)[0] == masked


def in_every_pass(text):
    """Look for every rule in every pass, as is done in the first one alone."""
    masked, findings = redaction._mask(text, redaction._RULES)
    more = findings
    while more:
        masked, more = redaction._mask(masked, redaction._RULES)
        findings += more
    return masked, sorted(findings, key=lambda finding: finding.position)


def test_what_is_not_looked_for_again_is_not_there():
    assert not [rule for rule in redaction._RULES if "*" in rule.hint]  # so a mask makes none
    cases = [template.format(secret) for _, template, secret in SECRETS]
    joined = [
        f"{one}{between}{other}" for one, other in zip(cases, cases[7:], strict=False) for between in ("", " ", "\n")
    ]
    for text in (*cases, *joined, *INNOCENT, *(text[:5000] for text in ADVERSARIAL), "\n".join(cases)):
        assert redact(text) == in_every_pass(text)
