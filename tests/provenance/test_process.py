import asyncio
import os
import sys
import threading
import types

import pytest

from elliptio.errors import MetadataError
from elliptio.provenance import process
from elliptio.provenance.process import argv, hostname, mock_username, notebook_path, username


@pytest.fixture
def no_variables(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    process._usable_name.cache_clear()
    yield
    process._usable_name.cache_clear()


@pytest.mark.parametrize("variable", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_username_from_the_environment(no_variables, monkeypatch, variable):
    monkeypatch.setenv(variable, "andy")
    assert username() == "andy"


@pytest.mark.parametrize(
    ("value", "expected"), [("DOMAIN\\andy", "DOMAIN_andy"), ("../x", ".._x"), (" andy\n", "andy_"), ("ändy", "ändy")]
)
def test_username_is_safe_in_a_path(no_variables, monkeypatch, value, expected):
    monkeypatch.setenv("USER", value)
    assert username() == expected


@pytest.mark.parametrize("value", ["", ".", "..", "x" * 200, "\udcff"])
def test_username_from_the_system(no_variables, monkeypatch, value):
    monkeypatch.setenv("LOGNAME", value)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: types.SimpleNamespace(pw_name="from_pwd"))
    assert username() == "from_pwd"


def test_username_without_a_name(no_variables, monkeypatch):
    def fail(uid):
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", fail)
    assert username() == f"uid-{os.getuid()}"
    monkeypatch.delattr(os, "getuid")
    assert username() == "unknown"


def test_mock_username():
    before = username()
    with mock_username("andy"):
        assert username() == "andy"
        with mock_username("berta"):
            assert username() == "berta"
        assert username() == "andy"
    assert username() == before


def test_mock_username_ends_with_an_error():
    before = username()
    with pytest.raises(ZeroDivisionError), mock_username("andy"):
        _ = 1 / 0
    assert username() == before


@pytest.mark.parametrize(
    "name", ["", " ", "a/b", "a\\b", "a\0", "a\nb", ".", "..", " a", None, 3, b"a", "x" * 129, "\udcff"]
)
def test_mock_username_refuses(name):
    with pytest.raises(MetadataError, match="cannot be a username"), mock_username(name):
        pass


def test_mock_username_is_of_one_thread():
    seen = []
    with mock_username("andy"):
        thread = threading.Thread(target=lambda: seen.append(username()))
        thread.start()
        thread.join()
    assert seen == [username()]


def test_mock_username_is_of_one_task():
    async def task(name):
        with mock_username(name):
            await asyncio.sleep(0)
            return username()

    async def both():
        return await asyncio.gather(task("andy"), task("berta"))

    assert asyncio.run(both()) == ["andy", "berta"]


def test_hostname(monkeypatch):
    assert hostname()

    def fail():
        raise OSError

    monkeypatch.setattr(os, "uname", fail)
    assert hostname() == "unknown"


def test_argv(monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["python", "my script.py", "--token", "x", "--lr=1"])
    assert argv() == "python 'my script.py' --token '***' --lr=1"
    assert [finding.position for finding in process.redacted_argv()[1]] == [3]
    monkeypatch.setattr(sys, "orig_argv", ["python", "\udcff"])
    assert argv() == "python '?'"


@pytest.fixture
def kernel(monkeypatch):
    names = {}
    shell = types.SimpleNamespace(user_ns=names)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return names


def test_no_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/andy/a.ipynb")
    assert notebook_path() is None
    assert "IPython" not in sys.modules


def test_notebook_in_jupyter(kernel, monkeypatch):
    assert notebook_path() is None
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/andy/a.ipynb")
    assert notebook_path() == "/home/andy/a.ipynb"


def test_notebook_in_vs_code(kernel, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/andy/a.ipynb-jvsc-12ab")
    assert notebook_path() == "/home/andy/a.ipynb"
    kernel["__vsc_ipynb_file__"] = "/home/andy/b.ipynb"
    assert notebook_path() == "/home/andy/b.ipynb"


def test_no_notebook_in_a_console(kernel, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "console-1-12ab")
    assert notebook_path() is None


def test_no_notebook_in_a_broken_kernel(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace())
    assert notebook_path() is None
